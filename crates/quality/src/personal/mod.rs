//! Personal data and secrets in texts: found as spans, and masked.
//!
//! E-mail addresses, phone numbers, IBANs, payment cards, IP addresses, and keys. One pass over the
//! bytes stops only at those that such data has to have (digits, `@`, `:`, a few letters), so ordinary
//! text costs little. What has a checksum is checked by it; what has none (phone numbers) is judged by
//! its form and the words before it. Names and addresses of people are not looked for.

mod bank;
mod context;
mod email;
mod ip;
mod number;
mod phone;
mod scan;
mod secret;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What kind of data a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number, international or national, with its extension.
    Phone,
    /// An international bank account number whose length and checksum are right.
    Iban,
    /// A payment card number of a known range whose checksum is right.
    Card,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A secret: access keys, tokens, private keys, values assigned to names such as `api_key`.
    Key,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Email,
        Self::Phone,
        Self::Iban,
        Self::Card,
        Self::Ip,
        Self::Key,
    ];

    /// What [`mask`] writes.
    pub fn mask(self) -> &'static str {
        match self {
            Self::Email => "<EMAIL>",
            Self::Phone => "<PHONE>",
            Self::Iban => "<IBAN>",
            Self::Card => "<CARD>",
            Self::Ip => "<IP>",
            Self::Key => "<KEY>",
        }
    }
}

/// Where something was found: bytes `start..end` of the text, on borders of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// The spans of a text, ascending, without overlap.
///
/// # Examples
/// ```
/// use quality::personal::{Kind, find};
///
/// let text = "Write to ann@example.org or call +44 20 7946 0958.";
/// let found: Vec<(Kind, &str)> = find(text).iter().map(|s| (s.kind, &text[s.start..s.end])).collect();
/// assert_eq!(found, [(Kind::Email, "ann@example.org"), (Kind::Phone, "+44 20 7946 0958")]);
/// ```
pub fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    find_into(text, &mut spans);
    spans
}

/// As [`find`], into a vector that is used again: it is cleared first.
pub fn find_into(text: &str, spans: &mut Vec<Span>) {
    spans.clear();
    scan::Scanner::new(text.as_bytes(), spans).run();
}

/// The text with every span replaced by its kind's [`Kind::mask`]; borrowed if there is none.
///
/// # Examples
/// ```
/// use quality::personal::mask;
///
/// assert_eq!(mask("IBAN DE89 3704 0044 0532 0130 00, 24.12.2024"), "IBAN <IBAN>, 24.12.2024");
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    let spans = find(text);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        masked.push_str(&text[end..span.start]);
        masked.push_str(span.kind.mask());
        end = span.end;
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}
