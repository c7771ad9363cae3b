//! Where what has been made is read: parts of a path, escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::PREFIX;

/// What stands in a path as it is (RFC 3986, unreserved).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of what these parts name.
pub fn address(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| utf8_percent_encode(part, RESERVED).to_string());
    parts.fold(PREFIX.to_owned(), |path, part| format!("{path}/{part}"))
}
