//! Every way a model file can be invalid, and the message that refuses it.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use models::state::{Tensor, Values};

/// The part that a task adds, for these tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fitted {
    c: f64,
}

fn sample() -> (Header<Fitted>, State) {
    let mut state = State::default();
    state.insert_f64("bias", &[2], vec![0.5, -0.25]);
    state.insert_f32("weights", &[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    state.insert_strings(
        "vocabulary",
        ["good", "", "schön"].map(str::to_owned).to_vec(),
    );
    let header = Header {
        task: "nlp".to_owned(),
        provenance: Provenance {
            version: "0.1.0".to_owned(),
            seed: 42,
            training: DataDigest {
                sha256: NO_DIGEST.to_owned(),
                rows: 3,
            },
        },
        signature: Signature {
            inputs: vec![Field::new("text", FieldType::Text)],
            outputs: vec![Field::new("prediction", FieldType::Text)],
            classes: vec!["neg".to_owned(), "pos".to_owned()],
        },
        details: Fitted { c: 10.0 },
    };
    (header, state)
}

/// Serializes a model to the bytes of a file.
fn written(header: &Header<Fitted>, state: State) -> Result<Vec<u8>, Damage> {
    let file = Outgoing::new(header, state)?;
    let mut bytes = Vec::new();
    file.write(&mut bytes).unwrap();
    Ok(bytes)
}

fn good() -> Vec<u8> {
    let (header, state) = sample();
    written(&header, state).unwrap()
}

fn load_bytes(file: &[u8]) -> Result<(Header<Fitted>, State), Damage> {
    let Contents { header, state, .. } = parse(file.to_vec().into(), "nlp")?;
    Ok((header, state))
}

fn refused(file: &[u8]) -> String {
    load_bytes(file).expect_err("must be refused").to_string()
}

/// Builds a file from a header and tensor bytes, as safetensors lays it out.
fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let mut text = header.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes()[..], &text, data].concat()
}

/// Returns the valid file with its header changed and both digests recomputed.
fn forged(change: impl Fn(&mut Value, &mut Vec<u8>, &mut Value)) -> Vec<u8> {
    let good = good();
    let start = data_start(&good).unwrap();
    let mut header: Value = serde_json::from_slice(&good[LENGTH..start]).unwrap();
    let mut data = good[start..].to_vec();
    let text = header["__metadata__"][ENTRY].clone();
    let mut entry: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    change(&mut header, &mut data, &mut entry);
    if header["__metadata__"][ENTRY] == text {
        entry["sha256"] = json!(hex(&Sha256::digest(&data)));
        entry["header_sha256"] = json!(NO_DIGEST);
        header["__metadata__"][ENTRY] = json!(entry.to_string());
        let blank = file(&header, &data);
        let digest = hex(&Sha256::digest(&blank[..data_start(&blank).unwrap()]));
        entry["header_sha256"] = json!(digest);
        header["__metadata__"][ENTRY] = json!(entry.to_string());
    }
    file(&header, &data)
}

#[test]
fn a_good_file_is_read_back() {
    let (header, state) = sample();
    assert_eq!(load_bytes(&good()).unwrap(), (header, state));
    assert_eq!(good(), good(), "same model, same bytes");
    let untouched = forged(|_, _, _| ());
    assert_eq!(
        load_bytes(&untouched).unwrap(),
        sample(),
        "the forgery itself changes nothing"
    );
}

#[test]
fn files_are_laid_out_as_safetensors_does_it() {
    let good = good();
    let (_, metadata) = SafeTensors::read_metadata(&good).unwrap();
    let tensors = SafeTensors::deserialize(&good).unwrap();
    let again = safetensors::serialize(tensors.tensors(), metadata.metadata().clone());
    assert_eq!(again.unwrap(), good);
}

#[test]
fn values_that_are_not_finite_are_not_written() {
    let (header, state) = sample();
    let mut nan = state.clone();
    nan.insert_f64("bias", &[2], vec![0.5, f64::NAN]);
    let mut infinite = state.clone();
    infinite.insert_f32("weights", &[1], vec![f32::NEG_INFINITY]);
    for (state, words) in [
        (nan, "bias` has a value that is not finite, at index 1"),
        (
            infinite,
            "weights` has a value that is not finite, at index 0",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nlp.safetensors");
        let message = save(&path, &header, state).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(!path.exists());
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let good = good();
    for length in 0..good.len() {
        let message = refused(&good[..length]);
        let expected = ["too short", "truncated", "damaged"];
        assert!(
            expected.iter().any(|word| message.contains(word)),
            "{length}: {message}"
        );
    }
    assert_eq!(
        refused(&[]),
        "is too short for a model file; train it again"
    );
}

#[test]
fn bytes_behind_the_end() {
    let message = refused(&[good(), vec![0]].concat());
    assert!(message.contains("damaged"), "{message}");
}

#[test]
fn any_byte_flipped() {
    let good = good();
    for at in 0..good.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut file = good.clone();
            file[at] ^= flip;
            assert!(
                load_bytes(&file).is_err(),
                "byte {at} ^ {flip:#x} went unseen"
            );
        }
    }
}

#[test]
fn a_header_length_that_cannot_be() {
    for length in [u64::MAX, u64::MAX - 8, 200 << 20, good().len() as u64] {
        let mut file = good();
        file[..LENGTH].copy_from_slice(&length.to_le_bytes());
        let message = refused(&file);
        assert!(
            message.contains(&format!("would take {length} bytes")),
            "{message}"
        );
    }
    let mut huge = (200u64 << 20).to_le_bytes().to_vec();
    huge.resize(LENGTH + (200 << 20), b' ');
    assert!(
        refused(&huge).contains("not a model file"),
        "a header of 200 MB is refused unread"
    );
}

#[test]
fn offsets_that_overlap_leave_gaps_or_lie_outside() {
    for offsets in [
        json!([8, 24]),
        json!([0, 16]),
        json!([32, 48]),
        json!([u64::MAX - 1, u64::MAX]),
    ] {
        let file = forged(|header, _, _| header["weights"]["data_offsets"] = offsets.clone());
        let message = refused(&file);
        assert!(
            message.contains("damaged or not a model file"),
            "{offsets}: {message}"
        );
    }
}

#[test]
fn shapes_that_lie() {
    for shape in [
        json!([3, 3]),
        json!([u64::MAX, 2]),
        json!([1u64 << 33, 1u64 << 33]),
        json!([-1]),
    ] {
        let file = forged(|header, _, _| header["weights"]["shape"] = shape.clone());
        let message = refused(&file);
        assert!(message.contains("damaged"), "{shape}: {message}");
    }
}

#[test]
fn a_type_that_is_not_used() {
    let file = forged(|header, _, _| header["weights"]["dtype"] = json!("I32"));
    assert!(refused(&file).contains("unsupported value type I32"));
}

/// The byte range of a tensor within the data section.
fn range(header: &Value, name: &str) -> std::ops::Range<usize> {
    let offsets = &header[name]["data_offsets"];
    offsets[0].as_u64().unwrap() as usize..offsets[1].as_u64().unwrap() as usize
}

#[test]
fn values_that_are_not_finite() {
    for value in [f64::NAN, f64::INFINITY] {
        let file = forged(|header, data, _| {
            let start = range(header, "bias").start;
            data[start + 8..start + 16].copy_from_slice(&value.to_le_bytes());
        });
        assert_eq!(
            refused(&file),
            "is damaged: tensor `bias`: the value at index 1 is not finite; train it again"
        );
    }
    let file = forged(|header, data, _| {
        let start = range(header, "weights").start;
        data[start..start + 4].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    });
    assert!(refused(&file).contains("`weights`: the value at index 0 is not finite"));
}

#[test]
fn string_tables_that_lie() {
    let offset = |index: usize, value: u64| {
        forged(move |header, data, _| {
            let start = range(header, "vocabulary.offsets").start + 8 * index;
            data[start..start + 8].copy_from_slice(&value.to_le_bytes());
        })
    };
    assert!(refused(&offset(1, 9)).contains("the offset at index 2 is out of order"));
    assert!(refused(&offset(1, u64::MAX)).contains("the offset at index 1 is out of order"));
    assert!(refused(&offset(0, 1)).contains("do not run from 0 to 10"));
    assert!(refused(&offset(3, 11)).contains("do not run from 0 to 10"));
    assert!(
        refused(&offset(2, 8)).contains("not UTF-8"),
        "split inside a character"
    );
}

#[test]
fn metadata_that_is_not_ours() {
    let none = forged(|header, _, _| {
        header.as_object_mut().unwrap().remove("__metadata__");
    });
    assert!(refused(&none).contains("was not written by easylife"));
    let other = forged(|header, _, _| header["__metadata__"] = json!({"format": "pt"}));
    assert!(refused(&other).contains("was not written by easylife"));
    let two = forged(|header, _, _| header["__metadata__"]["more"] = json!("x"));
    assert!(refused(&two).contains("2 metadata entries"));
    let text = forged(|header, _, _| header["__metadata__"] = json!({"easylife": "not json"}));
    assert!(refused(&text).contains("cannot be read"));
    for key in ["task", "provenance", "signature", "details"] {
        let missing = forged(|_, _, entry| {
            entry.as_object_mut().unwrap().remove(key);
        });
        assert!(refused(&missing).contains(key), "{}", refused(&missing));
    }
    let more = forged(|_, _, entry| entry["more"] = json!(1));
    assert!(refused(&more).contains("unknown field `more`"));
}

#[test]
fn details_that_the_task_does_not_write() {
    // Such a file was called damaged, which its digest rules out.
    let missing = forged(|_, _, entry| entry["details"] = json!({}));
    let older = "was trained by an older version of easylife (missing field `c`); train it again with `easylife train nlp`";
    assert_eq!(refused(&missing), older);
    let other = forged(|_, _, entry| entry["details"]["c"] = json!("ten"));
    assert!(refused(&other).contains("invalid type"));
    let more = forged(|_, _, entry| entry["details"]["d"] = json!(1));
    let newer = "was trained by a newer version of easylife (unknown field `d`, expected `c`)";
    assert!(refused(&more).starts_with(newer), "{}", refused(&more));
    let unknown = forged(|_, _, entry| entry["signature"]["inputs"][0]["type"] = json!("sound"));
    assert!(refused(&unknown).contains("unknown variant `sound`"));
}

#[test]
fn another_format_or_task() {
    let file = forged(|_, _, entry| {
        entry["format"] = json!(3);
        entry["provenance"] = json!({"version": "9.9.9", "new": "shape"});
        entry["task"] = json!({"new": "shape"});
    });
    assert!(refused(&file).starts_with("has model format 3, written by easylife 9.9.9; this is"));
    let old = forged(|_, _, entry| *entry = json!({"format": 1, "version": "0.1.0", "names": []}));
    assert!(refused(&old).starts_with("has model format 1, written by easylife 0.1.0; this is"));
    assert!(refused(&old).contains("train it again"));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ts.safetensors");
    let (header, state) = sample();
    save(&path, &header, state.clone()).unwrap();
    let loaded = load(&path, "nlp").unwrap();
    assert_eq!((loaded.header, loaded.state), (header, state));
    let message = load::<Fitted>(&path, "ts").unwrap_err().to_string();
    assert!(
        message.ends_with("ts.safetensors holds an nlp model; train one with `easylife train ts`"),
        "{message}"
    );
}

#[test]
fn a_file_larger_than_any_model_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse");
    File::create(&path)
        .unwrap()
        .set_len((16 << 30) + 1)
        .unwrap();
    let message = load::<Fitted>(&path, "nlp").unwrap_err().to_string();
    let expected = "has 17179869185 bytes, above the limit of 16 GiB";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn borrowed_bytes_are_read_as_owned_ones() {
    let loaded = from_bytes(&good(), "compiled in", "nlp").unwrap();
    assert_eq!((loaded.header, loaded.state), sample());
}

#[test]
fn a_file_that_is_not_a_model_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = load::<Fitted>(dir.path(), "nlp").unwrap_err().to_string();
    assert!(
        message.contains("is not a file") || message.contains("directory"),
        "{message}"
    );
    let path = dir.path().join("text");
    for text in [
        "",
        "short",
        "a text that is long enough for a header length, but is not one",
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(load::<Fitted>(&path, "nlp").is_err(), "{text}");
    }
    let message = load::<Fitted>(&dir.path().join("none"), "nlp")
        .unwrap_err()
        .to_string();
    assert!(message.contains("easylife train"), "{message}");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(load_bytes(&bytes).is_err());
    }

    #[test]
    fn any_state_comes_back(
        floats in prop::collection::vec(-1e300f64..1e300, 0..20),
        small in prop::collection::vec(any::<i8>(), 0..20),
        strings in prop::collection::vec(".{0,12}", 0..20),
    ) {
        let (header, mut state) = sample();
        state.insert_f64("floats", &[floats.len()], floats);
        state.insert_i8("small", &[small.len(), 1], small);
        state.insert_strings("strings", strings);
        let file = written(&header, state.clone()).unwrap();
        prop_assert_eq!(&file, &written(&header, state.clone()).unwrap());
        prop_assert_eq!(load_bytes(&file).unwrap(), (header, state));
    }

    #[test]
    fn tensors_of_every_type_come_back(values in prop::collection::vec(any::<u64>(), 0..20)) {
        let (header, mut state) = sample();
        let shape = vec![values.len()];
        for (name, values) in [
            ("i64", Values::I64(values.iter().map(|&v| v as i64).collect())),
            ("u32", Values::U32(values.iter().map(|&v| v as u32).collect())),
            ("u8", Values::U8(values.iter().map(|&v| v as u8).collect())),
            ("u64", Values::U64(values.clone())),
        ] {
            state.tensors.insert(name.to_owned(), Tensor { shape: shape.clone(), values });
        }
        prop_assert_eq!(load_bytes(&written(&header, state.clone()).unwrap()).unwrap().1, state);
    }
}
