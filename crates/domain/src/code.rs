//! Code lists: one table gives the enum, its wire codes, labels in two languages and their source.
//!
//! Never share one between families: sibling methods use opposite codes for the same idea.

/// Where a code list entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A page or an official SDK prints it.
    Published,
    /// Our own choice where every source is silent.
    Inferred,
}

/// One entry of a code list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The code on the wire.
    pub code: i64,
    /// The Chinese label.
    pub zh: &'static str,
    /// The English label.
    pub en: &'static str,
    /// Where it comes from.
    pub source: Source,
}

/// Declares a code list. Rows read: name, code, Chinese label, English label, source.
macro_rules! codes {
    ($(#[$doc:meta])* $list:ident { $($name:ident = $code:literal, $zh:literal, $en:literal, $source:ident;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $list {
            $(#[doc = $en] $name,)*
        }

        impl $list {
            /// Every entry, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Their rows.
            pub const ROWS: &'static [$crate::code::Code] = &[$(Self::$name.row()),*];

            /// The table row.
            pub const fn row(self) -> $crate::code::Code {
                match self {
                    $(Self::$name => $crate::code::Code {
                        code: $code,
                        zh: $zh,
                        en: $en,
                        source: $crate::code::Source::$source,
                    },)*
                }
            }

            /// The code on the wire.
            pub const fn code(self) -> i64 {
                self.row().code
            }

            /// The entry with this code.
            pub fn from_code(code: i64) -> Option<Self> {
                Self::ALL.iter().copied().find(|entry| entry.code() == code)
            }
        }
    };
}

pub(crate) use codes;
