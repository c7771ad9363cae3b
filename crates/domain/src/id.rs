//! Identifiers: newtypes that only come out of a check.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest identifier taken, in characters. No page states a limit; the longest identifier seen in
/// any published example has 32, and a key must stay cheap to store and to print.
pub const ID_CHARS_MAX: usize = 64;

/// The text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnId {
    /// Nothing, or only blanks.
    #[error("is empty")]
    Empty,
    /// Longer than the type takes.
    #[error("is too long")]
    TooLong,
    /// A character that has no business in an identifier.
    #[error("has a character that an identifier cannot have")]
    Character,
}

fn check(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), NotAnId> {
    // Most are short and visible ASCII, of which nothing need be decoded or counted.
    let is_usual = |byte: u8| byte.is_ascii_graphic() && allowed(byte.into());
    if (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_usual) {
        return Ok(());
    }
    if text.chars().all(char::is_whitespace) {
        return Err(NotAnId::Empty);
    }
    if text.chars().count() > ID_CHARS_MAX {
        return Err(NotAnId::TooLong);
    }
    if !text.chars().all(allowed) {
        return Err(NotAnId::Character);
    }
    Ok(())
}

/// Whatever a partner numbers its orders with: anything visible, Chinese and emoji included.
fn printable(character: char) -> bool {
    !character.is_control()
}

/// Sub-channels and channels are corporations' ids. A `/` would part them in an owner's name.
fn undivided(character: char) -> bool {
    printable(character) && character != '/'
}

/// App keys stand before a `/` in the owner of a stored order, so they never contain one.
fn plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($allowed:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                check(text, $allowed)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                check(&text, $allowed)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// An application's public key.
    AppKey(plain);
    /// The name that an operator signs in with.
    AccountName(plain);
    /// A distributor's sub-channel (分销子渠道), normally a corporation's id.
    SubChannel(undivided);
    /// A distributor's own order number (分销外部订单号).
    DisOrderId(printable);
    /// A distributor's own change or refund order number (分销外部改签单号).
    DisSubOrderId(printable);
    /// A car-rental distribution channel (渠道).
    ChannelId(undivided);
    /// An account under which a supplier books (cwt账号).
    CwtAccountNo(undivided);
    /// A supplier's own order number (订单号).
    OutRelationOrderId(printable);
    /// The number of a travel request (差旅单号).
    TravelRequestId(printable);
    /// An employee's number (工号).
    EmployeeNo(printable);
    /// A HappyTrip user's id (用户id).
    HtUserId(printable);
    /// What operators call a channel's cancellation policy.
    PolicyName(printable);
    /// The platform's number of a rental order (平台订单id).
    RentalOrderId(printable);
    /// A distributor's own number of a rental order (外部订单ID).
    OutOrderId(printable);
    /// A traveller's id at the distributor.
    UserId(printable);
    /// The platform's number of a rail order (商旅订单号).
    TrainOrderId(printable);
    /// A supplier's own number of a rail order (供应商订单号).
    SupplierOrderId(printable);
    /// The number under which the railway has an order or a ticket ready (取票号).
    CollectionNo(printable);
    /// The platform's number of a rail refund application (商旅退票申请ID).
    RefundId(printable);
    /// The number of a grant, with which its codes and refresh tokens begin.
    GrantId(plain);
    /// A short name for a partner's SM4 key.
    KeyId(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_number_may_be_anything_printable_of_reasonable_length() {
        assert_eq!("订单 a+b%&=c😀".parse::<DisOrderId>().unwrap().as_str(), "订单 a+b%&=c😀");
        assert_eq!(" ".parse::<DisOrderId>(), Err(NotAnId::Empty));
        assert_eq!("a\nb".parse::<DisOrderId>(), Err(NotAnId::Character));
        assert!("票".repeat(ID_CHARS_MAX).parse::<DisOrderId>().is_ok());
        assert_eq!("票".repeat(ID_CHARS_MAX + 1).parse::<DisOrderId>(), Err(NotAnId::TooLong));
        assert!("9".repeat(ID_CHARS_MAX).parse::<DisOrderId>().is_ok());
        assert_eq!("9".repeat(ID_CHARS_MAX + 1).parse::<DisOrderId>(), Err(NotAnId::TooLong));
        assert_eq!("".parse::<DisOrderId>(), Err(NotAnId::Empty));
    }

    #[test]
    fn an_app_key_cannot_reach_into_another_owner() {
        assert_eq!("test/corp001".parse::<AppKey>(), Err(NotAnId::Character));
        assert_eq!("corp/001".parse::<SubChannel>(), Err(NotAnId::Character));
        assert!("test".parse::<AppKey>().is_ok());
    }
}
