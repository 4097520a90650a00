//! Converts text to UTF-8, from a specified encoding or one detected with certainty.
//!
//! UTF-16 is detected by its mark or its zeros. Windows-1252, which includes Latin-1, is detected
//! if all characters of the first non-ASCII text are those of western languages, in plausible
//! positions. Anything else is left for the UTF-8 reader to refuse.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::reading::InvalidReading;

/// An encoding of texts, by its web name: `utf-8`, `utf-16le`, `windows-1252`, `shift_jis`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    pub(super) const UTF_16LE: Encoding = Encoding(UTF_16LE);
    pub(super) const UTF_16BE: Encoding = Encoding(UTF_16BE);
    const WINDOWS_1252: Encoding = Encoding(WINDOWS_1252);

    pub(super) fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }

    /// Whether a byte below 128 is the ASCII character of that number, as a line end has to be.
    pub(super) fn is_ascii_compatible(self) -> bool {
        self.0.is_ascii_compatible()
    }

    /// The encoding of a byte-order mark, and the mark's length.
    pub(super) fn of_mark(start: &[u8]) -> Option<(Encoding, usize)> {
        encoding_rs::Encoding::for_bom(start).map(|(encoding, length)| (Encoding(encoding), length))
    }
}

impl FromStr for Encoding {
    type Err = InvalidReading;

    fn from_str(text: &str) -> Result<Self, InvalidReading> {
        let label = match text.to_ascii_lowercase().as_str() {
            "latin-1" => "latin1".to_owned(),
            "utf-8-sig" | "utf8-sig" => "utf-8".to_owned(),
            "utf16le" | "utf16-le" => "utf-16le".to_owned(),
            "utf16be" | "utf16-be" => "utf-16be".to_owned(),
            other => other.to_owned(),
        };
        // Two of the web's encodings are not encodings of texts.
        let found = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
        let found = found.filter(|&found| found != encoding_rs::X_USER_DEFINED);
        found.map(Encoding).ok_or_else(|| {
            InvalidReading::new(
                text,
                "an encoding: utf-8, utf-16le, utf-16be, windows-1252, latin-1, or another by its name on the \
                 web (windows-1250, iso-8859-2, koi8-r, shift_jis, gbk, ...)",
            )
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_ascii_lowercase())
    }
}

impl TryFrom<String> for Encoding {
    type Error = InvalidReading;

    fn try_from(text: String) -> Result<Self, InvalidReading> {
        text.parse()
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> String {
        encoding.to_string()
    }
}

/// Names that an editor offers; the parser takes every other label of the web's encoding standard, too.
const NAMES: [&str; 38] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "latin-1",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "ibm866",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "euc-kr",
    "gbk",
    "gb18030",
    "big5",
];

impl JsonSchema for Encoding {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Encoding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": NAMES.as_slice()})
    }
}

/// Replaces bytes that are invalid in their encoding: not a valid UTF-8 byte, so that the reader of
/// the text refuses it at its position.
const MALFORMED: u8 = 0xff;
/// Position up to which an ASCII text may turn out to be Windows-1252.
pub(super) const LOOK: u64 = 16 << 20;
/// Number of bytes, from the first non-ASCII one, that decide.
const WINDOW: usize = 1 << 16;
const BUFFER: usize = 1 << 16;

/// A text as UTF-8.
pub(super) struct Utf8<R> {
    input: R,
    state: State,
    /// Bytes that were read ahead, and how many of them have been returned.
    held: Vec<u8>,
    gone: usize,
    /// The detected encoding that is being converted.
    recognised: Rc<Cell<Option<Encoding>>>,
}

enum State {
    /// Everything so far was ASCII; the number of bytes.
    Looking(u64),
    /// Passed through unchanged.
    Plain,
    Converting(Box<Conversion>),
}

struct Conversion {
    decoder: Decoder,
    /// UTF-8 still to be returned, from `at`.
    text: Vec<u8>,
    at: usize,
    done: bool,
}

impl<R: Read> Utf8<R> {
    /// Reads a known encoding; without one, detects it and stores it in `recognised`.
    pub fn new(
        input: R,
        encoding: Option<Encoding>,
        recognised: Rc<Cell<Option<Encoding>>>,
    ) -> Self {
        let state = match encoding {
            None => State::Looking(0),
            Some(encoding) if encoding.is_utf8() => State::Plain,
            Some(encoding) => State::of(encoding),
        };
        Self {
            input,
            state,
            held: Vec::new(),
            gone: 0,
            recognised,
        }
    }

    /// Raw bytes of the input.
    fn raw(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let held = &self.held[self.gone..];
        if held.is_empty() {
            return self.input.read(bytes);
        }
        let read = held.len().min(bytes.len());
        bytes[..read].copy_from_slice(&held[..read]);
        self.gone += read;
        if self.gone == self.held.len() {
            (self.held, self.gone) = (Vec::new(), 0);
        }
        Ok(read)
    }

    /// Decides from `held`, which starts with the first non-ASCII byte, and what follows it.
    fn decide(&mut self) -> io::Result<()> {
        let missing = WINDOW.saturating_sub(self.held.len()) as u64;
        (&mut self.input)
            .take(missing)
            .read_to_end(&mut self.held)?;
        let window = &self.held[..self.held.len().min(WINDOW)];
        self.state = match is_western(window) {
            false => State::Plain,
            true => {
                self.recognised.set(Some(Encoding::WINDOWS_1252));
                State::of(Encoding::WINDOWS_1252)
            }
        };
        Ok(())
    }
}

impl State {
    fn of(encoding: Encoding) -> State {
        State::Converting(Box::new(Conversion {
            decoder: encoding.0.new_decoder_without_bom_handling(),
            text: Vec::new(),
            at: 0,
            done: false,
        }))
    }
}

impl Conversion {
    fn give(&mut self, bytes: &mut [u8]) -> usize {
        let read = (self.text.len() - self.at).min(bytes.len());
        bytes[..read].copy_from_slice(&self.text[self.at..][..read]);
        self.at += read;
        read
    }

    /// Converts the next bytes; an empty slice means the end.
    fn take(&mut self, mut raw: &[u8]) {
        self.done = raw.is_empty();
        self.text.clear();
        self.at = 0;
        loop {
            let start = self.text.len();
            self.text.resize(start + 3 * raw.len() + 16, 0);
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                raw,
                &mut self.text[start..],
                self.done,
            );
            self.text.truncate(start + written);
            raw = &raw[read..];
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.text.push(MALFORMED),
            }
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Plain => return self.raw(bytes),
                State::Looking(seen) => {
                    let read = self.input.read(bytes)?;
                    let first = bytes[..read].iter().position(|byte| !byte.is_ascii());
                    let at = *seen + first.unwrap_or(read) as u64;
                    *seen += read as u64;
                    match first {
                        Some(first) if at < LOOK => {
                            self.held.extend_from_slice(&bytes[first..read]);
                            self.decide()?;
                            if first > 0 {
                                return Ok(first);
                            }
                        }
                        _ => {
                            if at >= LOOK {
                                self.state = State::Plain;
                            }
                            return Ok(read);
                        }
                    }
                }
                State::Converting(conversion) => {
                    let read = conversion.give(bytes);
                    if read > 0 || bytes.is_empty() || conversion.done {
                        return Ok(read);
                    }
                    let mut buffer = [0; BUFFER];
                    let read = self.raw(&mut buffer)?;
                    if let State::Converting(conversion) = &mut self.state {
                        conversion.take(&buffer[..read]);
                    }
                }
            }
        }
    }
}

/// Whether bytes are not UTF-8 and certainly Windows-1252: each non-ASCII byte is a character of
/// western languages in a plausible position. Texts in other single-byte encodings have long runs
/// of such bytes (Cyrillic, Greek, Arabic), or would have signs inside words (Polish, Czech,
/// Turkish, the code pages of DOS and the Macintosh); multi-byte encodings have both.
fn is_western(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() || holds_utf8(bytes) {
        return false;
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let letters: Vec<char> = text.chars().collect();
    // The number of non-ASCII characters, of those that follow another, and of the current run.
    let (mut high, mut pairs, mut run) = (0, 0, 0);
    for (at, &letter) in letters.iter().enumerate() {
        if letter.is_ascii() {
            run = 0;
            continue;
        }
        let before = at.checked_sub(1).map_or(' ', |at| letters[at]);
        let after = letters.get(at + 1).copied().unwrap_or(' ');
        if !fits(before, letter, after) {
            return false;
        }
        high += 1;
        run += usize::from(letter.is_alphabetic());
        if run > 2 {
            return false;
        }
        pairs += usize::from(run == 2);
    }
    high > 0 && 2 * pairs <= high
}

/// Whether it contains a multi-byte UTF-8 character.
fn holds_utf8(bytes: &[u8]) -> bool {
    let mut chunks = bytes.utf8_chunks();
    chunks.any(|chunk| !chunk.valid().is_ascii())
}

/// Whether a western text may have this character between these.
fn fits(before: char, letter: char, after: char) -> bool {
    let within = before.is_alphabetic() && after.is_alphabetic();
    // Words of one letter.
    const WORDS: &str = "àáéèìòóùåöøæÀÁÉÈÒÓÅÖØ";
    let alone = !before.is_alphabetic() && !after.is_alphabetic();
    if letter.is_alphabetic() && alone {
        return WORDS.contains(letter) || "ºª".contains(letter);
    }
    match letter {
        'à' | 'á' | 'â' | 'ä' | 'å' | 'æ' | 'ç' | 'é' | 'ê' | 'ë' | 'í' | 'î' | 'ï' | 'ñ' | 'ó'
        | 'ô' | 'ö' | 'ú' | 'ü' | 'ß' => true,
        'À' | 'Á' | 'Â' | 'Ä' | 'Å' | 'Ç' | 'É' | 'È' | 'Ê' | 'Ë' | 'Í' | 'Î' | 'Ï' | 'Ñ' | 'Ó'
        | 'Ô' | 'Ö' | 'Ú' | 'Ü' | 'Æ' => true,
        // Between vowels and consonants elsewhere: letters of Czech, Slovene and Lithuanian.
        'è' => !"aeiouy".contains(after.to_ascii_lowercase()) || after == 'e',
        'ì' | 'ò' | 'ù' => !after.is_alphabetic(),
        'ø' => true,
        'Ø' => true,
        'û' => "trmlcs".contains(after) || !after.is_alphabetic(),
        // Portuguese; elsewhere they would be letters of Romanian and Hungarian.
        'ã' => "oe".contains(after) || !after.is_alphabetic() || after == 's',
        'õ' => after == 'e',
        'Ã' => "OE".contains(after) || !after.is_alphabetic() || after == 'S',
        'Õ' => after == 'E',
        'œ' | 'Œ' => "uU".contains(after) && !after.is_whitespace(),
        '\u{a0}' | '’' | '´' | '·' | '–' | '—' | '…' => true,
        '‚' | '„' | '¡' | '¿' => !before.is_alphabetic(),
        '‘' | '“' | '«' | '”' | '»' | '™' | '®' | '©' | '°' | 'º' | 'ª' | '²' | '³' => {
            !within
        }
        '€' | '£' | '§' | '•' | '×' | '±' | '½' | '¼' | '¾' | '¢' => !within,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Option<Encoding>, step: usize) -> (Vec<u8>, Option<Encoding>) {
        let recognised = Rc::new(Cell::new(None));
        let mut input = Utf8::new(bytes, encoding, recognised.clone());
        let (mut text, mut buffer) = (Vec::new(), vec![0; step]);
        loop {
            match input.read(&mut buffer).unwrap() {
                0 => return (text, recognised.get()),
                read => text.extend_from_slice(&buffer[..read]),
            }
        }
    }

    fn written(text: &str, label: &str) -> Vec<u8> {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let (bytes, _, lossy) = encoding.encode(text);
        assert!(!lossy, "{label}: {text}");
        bytes.into_owned()
    }

    #[test]
    fn western_texts_are_recognised() {
        for text in [
            "Die Qualität ist für den Preis größer als ich dachte: 5 °C, 20 €, „gut“\n",
            "Le café était très agréable, déjà vu; naïve façon, cœur, « où » l’été\n",
            "¿Dónde está el niño? ¡Qué corazón! mañana\n",
            "A ação não é fácil: mães, limões, você, à noite\n",
            "Smörgåsbord på ön; rødgrød med fløde, æble\n",
            "don’t – “quoted” … it’s\n",
            "perché è così, più caffè; città\n",
        ] {
            for step in [1, 7, 4096] {
                let (bytes, found) = read(&written(text, "windows-1252"), None, step);
                assert_eq!(found, Some(Encoding::WINDOWS_1252), "{text}");
                assert_eq!(String::from_utf8(bytes).unwrap(), text);
            }
            let (bytes, found) = read(text.as_bytes(), None, 5);
            assert_eq!((&bytes[..], found), (text.as_bytes(), None));
        }
    }

    #[test]
    fn what_may_be_another_encoding_is_left_alone() {
        for (text, label) in [
            ("Очень хороший фильм\n", "windows-1251"),
            ("Очень хороший фильм\n", "koi8-r"),
            ("Очень хороший фильм\n", "ibm866"),
            ("Πολύ καλή ταινία\n", "windows-1253"),
            ("dobrý den, příliš žluťoučký kůň\n", "windows-1250"),
            ("bardzo dobry, mała łódź jest żółta, cię\n", "windows-1250"),
            ("bardzo dobry, mała łódź jest żółta, cię\n", "iso-8859-2"),
            ("nagyon jó, őszinte hűség\n", "windows-1250"),
            (
                "foarte bun, țară şi săptămână\n".replace('ț', "ţ").as_str(),
                "windows-1250",
            ),
            ("çok iyi, ığdır şehri\n", "windows-1254"),
            ("labai gerai, ąžuolas šuo\n", "windows-1257"),
            ("とても良い映画\n", "shift_jis"),
            ("とても良い映画\n", "euc-jp"),
            ("非常好的电影\n", "gbk"),
            ("아주 좋은 영화\n", "euc-kr"),
            ("סרט טוב מאוד\n", "windows-1255"),
            ("schön für größer\n", "macintosh"),
        ] {
            let bytes = written(text, label);
            assert_eq!(read(&bytes, None, 64), (bytes, None), "{label}: {text}");
        }
        // Mixed with UTF-8, and bytes of DOS.
        for bytes in [
            &b"caf\xc3\xa9 and caf\xe9\n"[..],
            b"sch\x94n f\x81r gr\x94\xe1er\n",
            b"a\xffb\n",
            b"a\x81b\n",
        ] {
            assert_eq!(read(bytes, None, 64), (bytes.to_vec(), None));
        }
    }

    #[test]
    fn the_window_does_not_depend_on_how_bytes_come() {
        let mut bytes = vec![b'x'; 3 * WINDOW];
        bytes[WINDOW - 7] = 0xe9;
        bytes[2 * WINDOW - 8] = 0xff; // the last that is looked at
        assert_eq!(read(&bytes, None, 1 << 17).1, None);
        bytes[2 * WINDOW - 8] = b'x';
        bytes[2 * WINDOW - 7] = 0xff;
        let (whole, found) = read(&bytes, None, 1 << 17);
        assert_eq!(found, Some(Encoding::WINDOWS_1252));
        assert_eq!(read(&bytes, None, 1000).0, whole);
    }

    #[test]
    fn an_encoding_can_be_given_by_name() {
        for (name, text) in [
            ("utf-16le", "größer\r\nŁódź"),
            ("utf-16be", "größer\r\nŁódź"),
            ("windows-1250", "Łódź"),
            ("latin-1", "é"),
            ("shift_jis", "とても"),
        ] {
            let encoding: Encoding = name.parse().unwrap();
            let bytes = match name {
                "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => written(text, encoding.0.name()),
            };
            for step in [1, 3, 1000] {
                let (found, _) = read(&bytes, Some(encoding), step);
                assert_eq!(String::from_utf8(found).unwrap(), text, "{name}");
            }
        }
        for name in ["", "utf-7", "x-user-defined", "replacement", "ansi"] {
            assert!(name.parse::<Encoding>().is_err(), "{name}");
        }
        assert_eq!(
            "Latin-1".parse::<Encoding>().unwrap().to_string(),
            "windows-1252"
        );
    }

    #[test]
    fn invalid_bytes_are_marked() {
        let lone = [b'a', 0, 0, 0xd8, b'b', 0, 7];
        let (bytes, _) = read(&lone, Some(Encoding::UTF_16LE), 10);
        assert_eq!(bytes, [b'a', MALFORMED, b'b', MALFORMED]);
    }
}
