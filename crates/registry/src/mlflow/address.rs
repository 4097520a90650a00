//! Where requests go: the parts of an address that must stay the same for secrets to be sent.

use std::fmt;

/// Scheme, host and port. Credentials are sent to one origin only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub scheme: Scheme,
    /// In lower case; an IPv6 address keeps its brackets.
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority())
    }
}

impl Origin {
    /// Host and port; without the port where it is the scheme's own.
    pub fn authority(&self) -> String {
        match self.port == self.scheme.port() {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        let address = host.parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// An address in its parts. `path` begins with `/` and has the query, but no fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub origin: Origin,
    pub user: Option<&'a str>,
    pub path: String,
}

/// Reads an address with the scheme `http` or `https`; the error says what is wrong without
/// repeating the text, which may hold a password.
pub(super) fn parse(text: &str) -> Result<Address<'_>, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err("its scheme is neither http nor https"),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = split_port(place)?;
    if host.is_empty() || !host.bytes().all(is_host_byte) {
        return Err("its host name is empty or has characters that none can have");
    }
    let path = path.split('#').next().unwrap_or_default();
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    let origin = Origin {
        scheme,
        host: host.to_ascii_lowercase(),
        port: port.unwrap_or(scheme.port()),
    };
    Ok(Address { origin, user, path })
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    let after_brackets = place.rfind(']').map_or(0, |end| end + 1);
    match place[after_brackets..].split_once(':') {
        None | Some((_, "")) => Ok((place.trim_end_matches(':'), None)),
        Some((before, port)) => {
            let port = port.parse().map_err(|_| "its port is not a number")?;
            Ok((&place[..after_brackets + before.len()], Some(port)))
        }
    }
}

/// What a `Location` header means for a request to `path` of `origin`: the new path, or the
/// origin it leads away to.
pub(super) fn redirect(origin: &Origin, path: &str, location: &str) -> Result<String, Away> {
    let absolute = match location.strip_prefix("//") {
        Some(rest) => format!("{}://{rest}", origin.scheme.name()),
        None => location.to_owned(),
    };
    if absolute.contains("://") && !absolute.starts_with('/') {
        let to = parse(&absolute).map_err(|_| Away::Unreadable)?;
        return match to.origin == *origin {
            true => Ok(to.path),
            false => Err(Away::To(to.origin)),
        };
    }
    let location = absolute.split('#').next().unwrap_or_default();
    if location.starts_with('/') {
        return Ok(location.to_owned());
    }
    let path = path.split('?').next().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    Ok(format!("{folder}{location}"))
}

/// Why a redirect is not followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// It leads to another scheme, host or port.
    To(Origin),
    /// Its address cannot be read.
    Unreadable,
}

/// A text as one segment of a path, or one value of a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => encoded.push(char::from(byte)),
            false => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// A path of several segments.
pub(super) fn encode_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(encode).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        parse(text).unwrap().origin
    }

    #[test]
    fn the_parts_of_an_address() {
        let address = parse("https://ann:s3c@r et@ML.example:8443/base/?a=1#top").unwrap();
        assert_eq!(address.user, Some("ann:s3c@r et"));
        assert_eq!(address.path, "/base/?a=1");
        assert_eq!(address.origin.to_string(), "https://ml.example:8443");
        assert_eq!(origin("http://[::1]:5000").to_string(), "http://[::1]:5000");
        assert_eq!(origin("http://[::1]").port, 80);
        assert_eq!(origin("https://a:443"), origin("HTTPS://A/x"));
        assert_ne!(origin("https://a"), origin("http://a:443"));
        assert!(origin("http://[::1]:5").is_loopback() && origin("http://127.0.0.2").is_loopback());
        assert!(!origin("http://127.0.0.1.example.org").is_loopback());
        for bad in [
            "a",
            "ftp://a",
            "http://",
            "http://a:x",
            "http://a b",
            "http://:80",
        ] {
            parse(bad).unwrap_err();
        }
    }

    #[test]
    fn redirects_stay_at_their_origin() {
        let here = origin("http://a:1");
        let to = |location| redirect(&here, "/api/x?q=1", location);
        assert_eq!(to("http://A:1/y?z#f").unwrap(), "/y?z");
        assert_eq!(to("/y").unwrap(), "/y");
        assert_eq!(to("y").unwrap(), "/api/y");
        for away in [
            "http://a:2/y",
            "https://a:1/y",
            "http://b:1/",
            "//b:1/y",
            "http://a:1@b/",
            "http://a/",
        ] {
            assert!(matches!(to(away), Err(Away::To(_))), "{away}");
        }
        assert_eq!(to("ftp://a:1/"), Err(Away::Unreadable));
    }

    #[test]
    fn segments_are_escaped() {
        assert_eq!(encode_path("a b/é?"), "a%20b/%C3%A9%3F");
    }
}
