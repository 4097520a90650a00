//! Who may do what: bearer tokens, of which the server knows the SHA-256 alone, and certificates of clients, each with
//! its scopes. They are replaced while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::header::{self, HeaderMap};
use sha2::{Digest, Sha256};

use crate::fault::{Fault, FaultKind};

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To ask models.
    Predict,
    /// To say what was true.
    Feedback,
    /// To load and unload models.
    Admin,
    /// To read the metrics.
    Metrics,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Predict, Self::Feedback, Self::Admin, Self::Metrics];

    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Feedback => "feedback",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }

    /// The scope of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it is; it stands in the access log.
    pub name: Arc<str>,
    /// SHA-256 of the token, or of a client's certificate in DER. Tokens are random and long: a slow hash would add
    /// nothing.
    pub sha256: [u8; 32],
    /// What it allows.
    pub scopes: Vec<Scope>,
}

/// The tokens.
#[derive(Debug)]
pub struct Guard {
    tokens: ArcSwap<Vec<Token>>,
}

impl Guard {
    /// With these tokens; where there are none, nobody gets in.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self {
            tokens: ArcSwap::from_pointee(tokens),
        }
    }

    /// Takes other tokens from now on.
    pub fn replace(&self, tokens: Vec<Token>) {
        self.tokens.store(Arc::new(tokens));
    }

    /// Whose token a request has, or else whose certificate its connection, and whether it allows `scope`.
    ///
    /// # Errors
    /// A request without a valid token.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        certificate: Option<&[u8; 32]>,
        scope: Scope,
    ) -> Result<(Arc<str>, bool), Fault> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let token = match (given.next(), given.next()) {
            (Some(value), None) => bearer(value.as_bytes()),
            _ => None,
        };
        let digest: [u8; 32] = match (token, certificate) {
            (Some(token), _) => Sha256::digest(token).into(),
            (None, Some(certificate)) => *certificate,
            (None, None) => return Err(unauthorized("a bearer token is required")),
        };
        let tokens = self.tokens.load();
        // Every token is looked at, so that the time says nothing about which one it is.
        let mut found = None;
        for known in tokens.iter() {
            if is_equal(&known.sha256, &digest) {
                found = Some(known);
            }
        }
        let found = found.ok_or_else(|| unauthorized("the token is not valid"))?;
        Ok((Arc::clone(&found.name), found.scopes.contains(&scope)))
    }
}

/// The fault of a token that does not have a scope.
pub(crate) fn forbidden(scope: Scope) -> Fault {
    let reason = format!("the token does not have the scope `{}`", scope.name());
    Fault::new(FaultKind::Forbidden, reason)
}

fn unauthorized(reason: &str) -> Fault {
    Fault::new(FaultKind::Unauthorized, reason)
}

/// The token behind `Bearer`, in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

/// Whether two digests are equal, in a time that does not depend on where they differ.
fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let differing = a
        .iter()
        .zip(b)
        .fold(0, |differing, (a, b)| differing | (a ^ b));
    std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn token(name: &str, text: &str, scopes: &[Scope]) -> Token {
        Token {
            name: name.into(),
            sha256: Sha256::digest(text).into(),
            scopes: scopes.to_vec(),
        }
    }

    fn asked(guard: &Guard, authorization: &[&str], scope: Scope) -> Result<String, u16> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        match guard.check(&headers, None, scope) {
            Ok((name, true)) => Ok(name.to_string()),
            Ok((_, false)) => Err(forbidden(scope).status()),
            Err(fault) => Err(fault.status()),
        }
    }

    #[test]
    fn a_token_allows_its_scopes_and_nothing_else() {
        let guard = Guard::new(vec![
            token("shop", "s3cret", &[Scope::Predict]),
            token("ops", "other", &[Scope::Admin, Scope::Metrics]),
        ]);
        assert_eq!(
            asked(&guard, &["Bearer s3cret"], Scope::Predict),
            Ok("shop".to_owned())
        );
        assert_eq!(
            asked(&guard, &["bearer other"], Scope::Admin),
            Ok("ops".to_owned())
        );
        assert_eq!(asked(&guard, &["Bearer s3cret"], Scope::Admin), Err(403));
        for wrong in [
            &[][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearer s3cre"],
            &["Basic s3cret"],
            &["s3cret"],
            &["Bearer s3cret", "Bearer s3cret"],
        ] {
            assert_eq!(asked(&guard, wrong, Scope::Predict), Err(401), "{wrong:?}");
        }
        guard.replace(vec![token("shop", "new", &[Scope::Predict])]);
        assert_eq!(asked(&guard, &["Bearer s3cret"], Scope::Predict), Err(401));
        assert_eq!(
            asked(&guard, &["Bearer new"], Scope::Predict),
            Ok("shop".to_owned())
        );
    }
}
