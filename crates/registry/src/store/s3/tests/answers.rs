//! Refusals and answers that are not of S3: what is told, and that nothing secret is.

use super::server::{error, page};
use super::*;

#[test]
fn refusals_say_what_to_do_and_are_not_repeated() {
    for (status, code, part) in [
        (
            403,
            "AccessDenied",
            "access to s3://bucket is denied (status 403, AccessDenied: its message)",
        ),
        (403, "InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        (
            400,
            "ExpiredToken",
            "AWS_SESSION_TOKEN, which may have expired",
        ),
        (403, "RequestTimeTooSkewed", "set the clock"),
        (404, "NoSuchBucket", "there is no bucket s3://bucket"),
        (301, "PermanentRedirect", "set AWS_REGION"),
        (507, "XMinioStorageFull", "has no space left"),
        (
            400,
            "InvalidArgument",
            "rejects the request (status 400, InvalidArgument: its message)",
        ),
    ] {
        let (said, requests) = message(error(status, code));
        assert!(said.contains(part), "{said}");
        assert_eq!(requests, 1, "{code}");
    }
}

#[test]
fn answers_that_are_not_of_s3_are_told_as_such() {
    let html = "<!DOCTYPE html><title>Log in</title>";
    for (answer, part) in [
        (page(200, html), "status 200 and no ETag"),
        (
            page(404, html),
            "status 404 and an HTML page; check AWS_ENDPOINT_URL_S3",
        ),
        (
            page(403, html),
            "access to s3://bucket is denied (status 403)",
        ),
        (page(404, ""), "an empty answer"),
        (page(404, "{}"), "something that is not XML"),
        (page(404, "<a/>"), "XML of another form"),
    ] {
        let (said, requests) = message(answer);
        assert!(said.contains(part), "{said}");
        assert_eq!(requests, 1);
    }
    let (_server, store, _) = store_with(move |_, _| Reply::Raw(page(200, html)));
    let said = store.list("").unwrap_err().to_string();
    assert!(
        said.contains("does not answer as an S3 server: status 200 and an HTML page"),
        "{said}"
    );
    assert!(store.create(&key("a"), b"").is_err() && store.replace(&key("a"), b"").is_err());
    // What is removed is looked up first, and then the page is no answer to the removal.
    let (server, store, _) = store_with(move |_, request| match request.method.as_str() {
        "DELETE" => Reply::Raw(page(200, html)),
        _ => Reply::Serve,
    });
    store.replace(&key("a"), b"1").unwrap();
    store.remove(&key("a")).unwrap_err();
    assert_eq!(server.seen().len(), 3);
    // A condition that nobody set.
    let (_server, store, _) = store_with(|_, _| Reply::Raw(error(412, "PreconditionFailed")));
    store.replace(&key("a"), b"1").unwrap_err();
    store.read(&key("a")).unwrap_err();
    store.open(&key("a")).unwrap_err();
    store.remove(&key("a")).unwrap_err();
    store.list("").unwrap_err();
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::start(|_, _| Reply::Serve);
    let location = format!(
        "HTTP/1.1 307 X\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n",
        other.uri()
    );
    let (said, requests) = message(location.clone().into_bytes());
    assert!(
        said.contains("redirects (status 307); this is not followed"),
        "{said}"
    );
    assert_eq!((requests, other.seen().len()), (1, 0));
    let region = location.replace("307 X", "301 X\r\nx-amz-bucket-region: eu-north-1");
    let (said, _) = message(region.into_bytes());
    let named = "s3://bucket is in the region eu-north-1; set AWS_REGION";
    assert!(said.contains(named), "{said}");
    let code = "AuthorizationHeaderMalformed";
    let xml = format!("<Error><Code>{code}</Code><Region>eu-north-1</Region></Error>");
    let (said, _) = message(page(400, &xml));
    assert!(said.contains(named), "{said}");
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let (said, _) = message(page(403, expired));
    assert!(said.contains("set the clock"), "{said}");
}

#[test]
fn what_a_server_repeats_of_the_credentials_is_not_shown() {
    let echo = "AKIAEXAMPLE, secret/key and session-token\n\u{1b}[31m";
    let xml = format!("<Error><Code>Odd</Code><Message>{echo}</Message></Error>");
    let (said, _) = message(page(400, &xml));
    assert!(said.contains("Odd: ***, *** and ***  [31m)"), "{said}");
}

#[test]
fn listings_that_cannot_be_right_are_refused() {
    let listing = |inner: &str| {
        let xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";
        let text = format!("<ListBucketResult xmlns=\"{xmlns}\">{inner}</ListBucketResult>");
        page(200, &text)
    };
    let more = "<IsTruncated>true</IsTruncated>";
    for (inner, requests, part) in [
        (String::new(), 1, ""),
        (
            "<Contents><Key>teams/a</Key></Contents>".to_owned(),
            1,
            "names that were not asked for",
        ),
        (
            "<Contents><Key>team/b</Key></Contents>".to_owned(),
            1,
            "names that were not asked for",
        ),
        (more.to_owned(), 1, "XML of another form"),
        (
            format!("{more}<NextContinuationToken>1</NextContinuationToken>"),
            2,
            "without an end",
        ),
    ] {
        let answer = listing(&inner);
        let (server, store, _) = store_with(move |_, _| Reply::Raw(answer.clone()));
        match store.list("a") {
            Ok(names) => assert!(names.is_empty() && part.is_empty(), "{inner}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!part.is_empty() && said.contains(part), "{said}");
            }
        }
        assert_eq!(server.seen().len(), requests);
    }
    // One that is cut is asked for again.
    let (server, store, _) = store_with(|number, _| match number {
        1 => Reply::Cut(200),
        _ => Reply::Serve,
    });
    store.replace(&key("a"), b"").unwrap();
    assert_eq!(store.list("").unwrap(), [key("a")]);
    assert_eq!(server.seen().len(), 3);
}
