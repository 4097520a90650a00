//! Checks of pages in tests: well-formed HTML, nothing from elsewhere, the same bytes twice.
//! `EASYLIFE_PAGES=DIR cargo test report` leaves the pages in DIR to look at.

use super::page::Page;

/// A small generator, so that the made-up data are the same everywhere.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    pub fn unit(&mut self) -> f64 {
        self.below(1 << 20) as f64 / (1 << 20) as f64
    }
}

/// Names of elements that close themselves by rule, or by a slash in SVG.
fn is_void(tag: &str) -> bool {
    tag.ends_with('/')
        || ["meta", "link", "br", "wbr", "!DOCTYPE"]
            .iter()
            .any(|name| tag.split(' ').next() == Some(name))
}

/// What is not well-formed in a page, if anything: unbalanced tags, a stray `<` or `>` or `"`, a bare
/// `&`, the same id twice.
pub fn fault(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    let body = html.split_once("<style>").and_then(|(head, rest)| {
        Some(format!("{head}<style>{}", &rest[rest.find("</style>")?..]))
    })?;
    for piece in body.split('<').skip(1) {
        let Some((tag, content)) = piece.split_once('>') else {
            return Some(format!("no end: {piece}"));
        };
        if content.contains('>')
            || tag.matches('"').count() % 2 == 1
            || content.contains(['"', '\'', '\0'])
        {
            return Some(format!("stray sign: {piece}"));
        }
        for entity in piece.split('&').skip(1) {
            if !["amp;", "lt;", "gt;", "quot;", "#39;"]
                .iter()
                .any(|name| entity.starts_with(name))
            {
                return Some(format!("bare &: {piece}"));
            }
        }
        if let Some((_, id)) = tag.split_once(" id=\"")
            && !ids.insert(id.split('"').next())
        {
            return Some(format!("id twice: {tag}"));
        }
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => {
                return Some(format!("closes what is not open: {name}"));
            }
            Some(_) => {}
            None if is_void(tag) => {}
            None => open.push(tag.split(' ').next().unwrap_or(tag)),
        }
    }
    (!open.is_empty()).then(|| format!("left open: {open:?}"))
}

/// Panics if a page has a fault, asks for something from elsewhere, is large, or differs when it is made again. `name`
/// names the file that is left to look at.
pub fn page(name: &str, make: impl Fn() -> Page) {
    let html = make().render();
    assert_eq!(fault(&html), None, "{name}");
    for banned in [
        "<script", "http:", "https:", " src=\"", "url(", "@import", "<img", "NaN",
    ] {
        assert!(!html.contains(banned), "{name} holds {banned}");
    }
    assert!(html == make().render(), "{name}: the same bytes twice");
    assert!(html.len() < 300_000, "{name}: {} bytes", html.len());
    if let Some(folder) = std::env::var_os("EASYLIFE_PAGES") {
        let path = std::path::Path::new(&folder).join(format!("{name}.html"));
        std::fs::write(path, html).unwrap();
    }
}

#[test]
fn checker_sees_faults() {
    let page = |body: &str| format!("<html><style>a>b{{}}</style><body>{body}</body></html>");
    assert_eq!(fault(&page("<p id=\"a\">x &amp; y</p>")), None);
    for bad in [
        "<p>",
        "</p>",
        "a > b",
        "a & b",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<p id=\"a>x</p>",
        "say \"x\"",
    ] {
        assert!(fault(&page(bad)).is_some(), "{bad}");
    }
}
