//! What is found, what is not, and that any text can be searched.

use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<(Kind, &str)> {
    find(text)
        .iter()
        .map(|span| (span.kind, &text[span.start..span.end]))
        .collect()
}

#[track_caller]
fn only(kind: Kind, before: &str, value: &str, after: &str) {
    let text = format!("{before}{value}{after}");
    assert_eq!(found(&text), [(kind, value)], "{text}");
}

#[track_caller]
fn nothing(text: &str) {
    assert_eq!(found(text), [], "{text}");
}

#[test]
fn email_addresses() {
    for value in [
        "ann@example.org",
        "a.b+tag@mail.example.co.uk",
        "x_y-z%q@sub-domain.example.museum",
        "1234567890@example.com",
        "josé@exämple.com",
        "o'neil@example.ie",
        "anna@xn--mnchen-3ya.de",
    ] {
        only(Kind::Email, "Write to ", value, ".");
        only(Kind::Email, "<", value, ">, soon");
        only(Kind::Email, "mailto:", value, "?subject=x");
    }
    only(Kind::Email, "邮箱：", "wang@example.cn", "。谢谢");
    for text in [
        "@handle",
        "a@b",
        "a@b.c",
        "a@",
        "@",
        "me @ home",
        "a@.com",
        ".@b.com",
        "@@@@",
        "a@-b.com",
    ] {
        nothing(text);
    }
}

#[test]
fn international_phone_numbers() {
    for value in [
        "+44 20 7946 0958",
        "+44(0)1134960123",
        "+49 (0) 1234 567890",
        "+1-555-234-5678x1234",
        "+1 (555) 234-5678 ext. 12",
        "001-555-234-5678",
        "0049 30 1234567",
        "+33 (0)1 23 45 67 89",
        "+7 (953) 661-04-54",
        "+90(544)9341254",
        "+8613812345678",
        "+351912345678",
        "00420 601 234 567",
    ] {
        only(Kind::Phone, "Please use ", value, ", thanks");
        only(Kind::Phone, "", value, "");
        only(Kind::Phone, "(", value, ")");
    }
    for text in [
        "+1 234",
        "C++11 1234567",
        "1+12345678901",
        "+999999999999",
        "00000000000",
        "+0 123 456 7890",
    ] {
        nothing(text);
    }
}

#[test]
fn national_phone_numbers() {
    for value in [
        "(555) 234-5678",
        "555-234-5678",
        "555.234.5678x99",
        "5552345678",
        "1-800-234-5678",
        "01 23 45 67 89",
        "0123/456789",
        "(0123) 456789",
        "0123456789",
        "0118 496 0123",
        "080-1234-5678",
        "08-123 456 78",
        "13812345678",
        "8 (495) 123-45-67",
        "11 1234-5678",
        "601 234 567",
    ] {
        only(Kind::Phone, "It is ", value, ".");
    }
    only(Kind::Phone, "手机", "13812345678", "谢谢");
    for value in ["555-2345", "12 34 56 78", "912345678", "4610 566 751"] {
        only(Kind::Phone, "Call me at ", value, " today");
        nothing(&format!("It is {value} today"));
    }
}

#[test]
fn other_numbers_are_no_phone_numbers() {
    for text in [
        "Order 5552345678 has shipped",
        "order number 0123456789",
        "invoice no. 555-234-5678",
        "on 2024-12-24, 24.12.2024 and 12/24/2024 10:15:30",
        "version 1.22.333.4444",
        "ISBN 978-0-306-40615-7 or 0-306-40615-2",
        "1 234 567 890 people, 1,234,567.89 dollars, 0.1234567890",
        "$5552345678 and 5552345678%",
        "timestamp 1700000000, then 1700000000123",
        "SKU ABC-1234-567-8901",
        "https://example.com/item/5552345678?id=5552345678",
        "lat 52.520008, lon 13.404954",
        "a1234567890b 0x5552345678",
        "pages 1234-5678",
        "3.14159265358979",
        "1111111111",
        "1996-2004, 100-200",
        "Please call tomorrow. About 1603472 people did",
    ] {
        nothing(text);
    }
}

#[test]
fn account_numbers_have_their_checksum() {
    // Examples of SWIFT's registry.
    for value in [
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606",
        "MT84MALT011000012345MTLCAST001S",
        "NO9386011117947",
        "nl91abna0417164300",
    ] {
        only(Kind::Iban, "Pay to ", value, ".");
        only(Kind::Iban, "IBAN:", value, " until Friday");
    }
    for text in [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "XX89370400440532013000",
        "DE89370400440532013000X",
    ] {
        assert!(
            !found(text).iter().any(|(kind, _)| *kind == Kind::Iban),
            "{text}"
        );
    }
}

#[test]
fn card_numbers_have_their_range_and_checksum() {
    for value in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "340000000000009",
        "3400 000000 00009",
        "6011000000000004",
        "30000000000004",
        "2221000000000009",
    ] {
        only(Kind::Card, "Charged to ", value, ".");
    }
    for text in [
        "4111111111111112",
        "9111111111111119",
        "0000 0000 0000 0000",
        "ABC-4111111111111111",
        "41111111111111111111111",
        "x4111111111111111",
    ] {
        nothing(text);
    }
    // An article number that passes the other check as well.
    nothing("barcode 4592502785449");
    // What the sentence before speaks of does not matter.
    only(
        Kind::Card,
        "It has a barcode. Charged to ",
        "4030273815624",
        ".",
    );
}

#[test]
fn addresses_of_computers() {
    for value in [
        "192.168.0.1",
        "8.8.8.8",
        "255.255.255.255",
        "2001:db8::1",
        "::1",
        "fe80::1ff:fe23:4567:890a",
        "1:2:3:4:5:6:7:8",
        "::ffff:192.0.2.1",
    ] {
        only(Kind::Ip, "from ", value, " on");
        only(Kind::Ip, "host ", value, ".");
    }
    only(Kind::Ip, "http://", "192.168.0.1", ":8080/x");
    only(Kind::Ip, "", "10.0.0.0", "/8");
    only(Kind::Ip, "[", "2001:db8::1", "]:443");
    for text in [
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "version 1.2.3.4",
        "v1.2.3.4",
        "01.2.3.4",
        "10:15:30",
        "std::vector",
        "a::b",
        "dead::beef",
        "::",
        "00:1b:44:11:3a:b7",
        "key: value",
        ":::::::::",
    ] {
        nothing(text);
    }
}

#[test]
fn keys_and_secrets() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    for value in [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "glpat-abcdEFGH1234ijklMNOP",
        jwt,
        "xoxb-123456789012-abcdefABCDEF",
    ] {
        only(Kind::Key, "the key ", value, ", keep it");
    }
    let value = "9f86d081884c7d659a2feaa0c55ad015";
    for name in [
        "api_key=",
        "API-KEY: ",
        "\"apiKey\": \"",
        "client_secret = '",
        "token=",
        "Authorization: Bearer ",
    ] {
        only(Kind::Key, name, value, "");
    }
    only(Kind::Key, "password: ", "hunter2!x", " again");
    let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----";
    only(Kind::Key, "here:\n", block, "\nthe end");
    only(Kind::Key, "cut:\n", &block[..40], "");
    for text in [
        "AKIASHORT",
        "XAKIAIOSFODNN7EXAMPLE",
        "ghp_short",
        "token: none",
        "the key: value",
        "password: required",
        "api_key=xxxxxxxxxxxxxxxxxxxxxxxx",
        "-----BEGIN CERTIFICATE-----",
        "key = 12345678901234567",
        "secretary: call9876543210abcdef",
        "eyJhbGciOiJIUzI1NiJ9",
    ] {
        assert!(
            !found(text).iter().any(|(kind, _)| *kind == Kind::Key),
            "{text}: {:?}",
            found(text)
        );
    }
}

#[test]
fn several_kinds_in_one_text_are_masked() {
    let text =
        "Ann (ann@example.org, +44 20 7946 0958) paid with 4111 1111 1111 1111 from 192.0.2.7.";
    assert_eq!(
        mask(text),
        "Ann (<EMAIL>, <PHONE>) paid with <CARD> from <IP>."
    );
    assert!(matches!(
        mask("nothing here"),
        Cow::Borrowed("nothing here")
    ));
}

#[test]
fn long_runs_take_linear_time() {
    // Each would take hours if every byte looked at all before or after it.
    for part in [
        "@",
        ":",
        "1",
        "1 ",
        "-",
        "a@",
        "1.",
        "=",
        "token=",
        "(",
        "+",
        "eyJ",
        "-----BEGIN ",
        "f:",
        "_",
        "1-2/",
    ] {
        let _ = find(&part.repeat(200_000 / part.len()));
    }
}

proptest! {
    /// Spans ascend, do not overlap, and are on borders of characters.
    #[test]
    fn spans_are_in_order(text in "(\\PC|[0-9@:.+() /-]|[a-f]|ghp_|eyJ|€|é|电){0,60}") {
        let mut end = 0;
        for span in find(&text) {
            prop_assert!(span.start >= end && span.end > span.start);
            prop_assert!(text.get(span.start..span.end).is_some());
            end = span.end;
        }
        let _ = mask(&text);
    }
}
