//! What the words before a number say about it.

use super::scan::is_word;

/// Bytes and words that are looked at.
const BYTES: usize = 48;
const WORDS: usize = 5;
/// Letters of the longest word whose full stop ends no sentence.
const ABBREVIATION: usize = 4;

/// What a number is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// A phone number.
    Phone,
    /// Something else that has a number: an order, an article, an account.
    Other,
    /// Nothing is said.
    None,
}

/// Beginnings of words (lower case) before phone numbers.
const PHONE: &[&str] = &[
    "phone",
    "call",
    "tel",
    "mobile",
    "mobil",
    "cell",
    "fax",
    "whatsapp",
    "sms",
    "text",
    "dial",
    "ring",
    "contact",
    "kontakt",
    "contacto",
    "hotline",
    "landline",
    "handy",
    "rufnummer",
    "anruf",
    "appel",
    "portable",
    "móvil",
    "movil",
    "celular",
    "cellulare",
    "celular",
    "komórk",
    "numer",
    "tlf",
    "puh",
    "тел",
    "моб",
    "звон",
    "bel",
    "reach",
];
/// Parts of words of scripts without spaces.
const PHONE_INSIDE: &[&str] = &[
    "电话",
    "電話",
    "手机",
    "携帯",
    "전화",
    "téléphon",
    "teléfon",
    "phone",
    "telefon",
];
/// Whole words (lower case) before other numbers.
const OTHER: &[&str] = &[
    "order",
    "orders",
    "invoice",
    "ref",
    "reference",
    "id",
    "ids",
    "account",
    "acct",
    "tracking",
    "isbn",
    "issn",
    "ean",
    "upc",
    "gtin",
    "sku",
    "asin",
    "item",
    "model",
    "serial",
    "case",
    "ticket",
    "version",
    "code",
    "zip",
    "part",
    "batch",
    "lot",
    "policy",
    "customer",
    "patent",
    "doi",
    "parcel",
    "shipment",
    "booking",
    "confirmation",
    "transaction",
    "receipt",
    "product",
    "article",
    "artikel",
    "bestellung",
    "bestellnummer",
    "rechnung",
    "rechnungsnummer",
    "kundennummer",
    "commande",
    "facture",
    "pedido",
    "factura",
    "ordine",
    "fattura",
    "zamówienie",
    "timestamp",
    "epoch",
    "hash",
    "build",
    "pmid",
    "imdb",
    "barcode",
    "vin",
    "imei",
    "uid",
    "gid",
    "pid",
    "session",
    "request",
    "record",
    "member",
    "license",
    "licence",
    "passport",
    "ssn",
    "tax",
    "vat",
    "steuernummer",
    "seriennummer",
    "paketnummer",
    "auftragsnummer",
    "sendungsnummer",
    "artikelnummer",
    "référence",
    "referencia",
    "quantity",
    "serie",
];
/// Whole words (lower case) before versions.
const VERSION: &[&str] = &[
    "v",
    "ver",
    "version",
    "versions",
    "release",
    "build",
    "firmware",
    "driver",
    "update",
    "patch",
    "section",
    "chapter",
    "clause",
    "paragraph",
    "abschnitt",
    "kapitel",
    "oid",
    "sdk",
    "upgrade",
    "upgraded",
];

/// What the nearest telling word before `start` says.
pub(super) fn before(text: &[u8], start: usize) -> Hint {
    let (mut hint, mut is_number) = (Hint::None, false);
    words(text, start, |word| {
        is_number |= word == "number";
        if is_number && word == "my"
            || PHONE.iter().any(|known| word.starts_with(known))
            || PHONE_INSIDE.iter().any(|known| word.contains(known))
        {
            hint = Hint::Phone;
        } else if OTHER.contains(&word) {
            hint = Hint::Other;
        }
        hint != Hint::None
    });
    hint
}

/// Whether the word before `start` says that a dotted number is a version.
pub(super) fn is_version(text: &[u8], start: usize) -> bool {
    let (mut found, mut count) = (false, 0);
    words(text, start, |word| {
        found |= VERSION.contains(&word);
        count += 1;
        found || count == 2 || word == "ip"
    });
    found
}

/// Calls `each` with the words before `start`, the nearest first, until it returns true.
fn words(text: &[u8], start: usize, mut each: impl FnMut(&str) -> bool) {
    let from = start.saturating_sub(BYTES);
    // Lossy: the window may begin inside a character.
    let window = String::from_utf8_lossy(&text[from..start]).to_lowercase();
    let is_border = |c: char| c.is_ascii() && !is_word(c as u8) || c == '_';
    let words = sentence(&window)
        .rsplit(is_border)
        .filter(|word| !word.is_empty());
    for word in words.take(WORDS) {
        if each(word) {
            return;
        }
    }
}

/// What follows the last sentence that ends in `text`. Short words with a full stop are abbreviations
/// (`Tel. no. 5`), and an end that no word follows does not count.
fn sentence(text: &str) -> &str {
    let mut rest = text;
    let mut start = 0;
    while let Some(at) = rest.find(". ") {
        let word = rest[..at].rsplit(|c: char| !c.is_alphanumeric()).next();
        let is_word = word.is_some_and(|word| word.chars().count() > ABBREVIATION);
        rest = &rest[at + 2..];
        if is_word && rest.contains(char::is_alphanumeric) {
            start = text.len() - rest.len();
        }
    }
    &text[start..]
}
