//! Who a callback says travels: personal data, opened field by field.

use jiff::civil::Date;

use super::booking::TrainPassenger;
use super::code::TrainDocumentType;
use crate::Pii;

/// Longest personal text that makes sense, in characters: the longest names in passports have fewer.
const TEXT_CHARS_MAX: usize = 64;

/// A sealed field of a callback, opened.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// It was not sent.
    Absent,
    /// It does not open under the partner's setting.
    Unopened,
    /// Its value.
    Clear(Pii<String>),
}

/// Everything a callback says of a passenger.
#[derive(Debug, Clone, PartialEq)]
pub struct Personal {
    /// Name.
    pub passenger_name: Field,
    /// Mobile number.
    pub passenger_mobile: Field,
    /// Document number.
    pub passenger_id_no: Field,
    /// Document type code.
    pub passenger_id_type: Field,
    /// Country.
    pub country_code: Field,
    /// 0 male, 1 female.
    pub sex: Field,
    /// The platform's id.
    pub passenger_id: Field,
    /// Date of issue of the document.
    pub valid_date_start: Field,
    /// Date of birth.
    pub birth_date: Field,
    /// Date of expiry of the document.
    pub valid_date_end: Field,
}

impl Field {
    /// The value in the clear, if there is one.
    pub fn clear(&self) -> Option<&str> {
        match self {
            Self::Clear(value) => Some(value.expose()),
            Self::Absent | Self::Unopened => None,
        }
    }
}

impl Personal {
    /// Every field under the name the page gives it.
    pub const fn fields(&self) -> [(&'static str, &Field); 10] {
        [
            ("passenger_name", &self.passenger_name),
            ("passenger_mobile", &self.passenger_mobile),
            ("passenger_id_no", &self.passenger_id_no),
            ("passenger_id_type", &self.passenger_id_type),
            ("country_code", &self.country_code),
            ("sex", &self.sex),
            ("passenger_id", &self.passenger_id),
            ("valid_date_start", &self.valid_date_start),
            ("birth_date", &self.birth_date),
            ("valid_date_end", &self.valid_date_end),
        ]
    }

    /// The fields that did not open, or opened to what makes no sense there. `lenient` lets through
    /// what only the page's own example writes.
    pub fn unreadable(&self, lenient: bool) -> impl Iterator<Item = &'static str> {
        let bad = move |(name, field): &(&'static str, &Field)| match field {
            Field::Absent => false,
            Field::Unopened => true,
            Field::Clear(value) => !makes_sense(name, value.expose(), lenient),
        };
        self.fields().into_iter().filter(bad).map(|(name, _)| name)
    }

    /// The platform's id of the passenger, if that can be read.
    pub(super) fn readable_id(&self) -> Option<&str> {
        self.passenger_id.clear().filter(|id| makes_sense("passenger_id", id, true))
    }

    fn document_type(&self) -> Option<TrainDocumentType> {
        document_type(self.passenger_id_type.clear()?)
    }

    /// The fields that must be there for a document of this kind, and are not.
    pub fn missing(&self) -> Vec<&'static str> {
        if self.document_type() == Some(TrainDocumentType::IdCard) {
            return Vec::new();
        }
        let needed = [
            ("country_code", &self.country_code),
            ("birth_date", &self.birth_date),
            ("valid_date_end", &self.valid_date_end),
        ];
        let absent = needed.into_iter().filter(|(_, field)| **field == Field::Absent);
        absent.map(|(name, _)| name).collect()
    }

    /// Whether the number of an ID card is one: 18 characters of which the last checks the others.
    pub fn has_sound_number(&self) -> bool {
        self.document_type() != Some(TrainDocumentType::IdCard)
            || self.passenger_id_no.clear().is_some_and(is_id_card)
    }

    /// The fields that say something else than the order does.
    pub fn differing(&self, passenger: &TrainPassenger) -> Vec<&'static str> {
        let id_type = passenger.id_type.code().to_string();
        let pairs = [
            ("passenger_name", &self.passenger_name, passenger.name.expose()),
            ("passenger_id_type", &self.passenger_id_type, &id_type),
            ("passenger_id_no", &self.passenger_id_no, passenger.id_no.expose()),
        ];
        let differs = |(_, field, known): &(&str, &Field, &String)| {
            field.clear().is_none_or(|value| !value.eq_ignore_ascii_case(known))
        };
        pairs.into_iter().filter(differs).map(|(name, ..)| name).collect()
    }
}

fn document_type(text: &str) -> Option<TrainDocumentType> {
    text.parse().ok().and_then(TrainDocumentType::from_code)
}

fn makes_sense(name: &str, value: &str, lenient: bool) -> bool {
    let is_text = || {
        let printable = !value.trim().is_empty() && !value.chars().any(char::is_control);
        printable && value.chars().count() <= TEXT_CHARS_MAX
    };
    match name {
        "passenger_mobile" => is_phone(value) || (lenient && is_text()),
        "passenger_id_no" => is_text() && value.bytes().all(is_document_byte),
        "passenger_id_type" => document_type(value).is_some(),
        "country_code" => {
            matches!(value.len(), 2 | 3) && value.bytes().all(|byte| byte.is_ascii_alphabetic())
        }
        "sex" => matches!(value, "0" | "1"),
        "valid_date_start" | "birth_date" | "valid_date_end" => is_day(value),
        // Names and ids: whatever a person can read.
        _ => is_text(),
    }
}

/// Some documents write their number with brackets, a hyphen or a slash.
fn is_document_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"()-/ ".contains(&byte)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (5..=20).contains(&digits) && text.bytes().all(|b| b.is_ascii_digit() || b"+- ".contains(&b))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

/// Whether a text is the number of an ID card by GB 11643.
fn is_id_card(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let (Some((digits, [check])), 18) = (text.as_bytes().split_at_checked(17), text.len()) else {
        return false;
    };
    let mut sum = 0;
    for (byte, weight) in digits.iter().zip(WEIGHTS) {
        let Some(digit) = char::from(*byte).to_digit(10) else { return false };
        sum += digit * weight;
    }
    CHECKS[sum as usize % 11] == check.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_character_of_an_id_card_checks_the_others() {
        for good in ["999999199001010016", "110101199003077571", "432524100011191219"] {
            assert!(is_id_card(good), "{good}");
        }
        for bad in [
            "432524100011191212",
            "99999919900101001",
            "99999919900101001六",
            "x".repeat(18).as_str(),
        ] {
            assert!(!is_id_card(bad), "{bad}");
        }
        // One whose check character is the letter, in either case.
        assert!(is_id_card("11010519491231002X") && is_id_card("11010519491231002x"));
    }
}
