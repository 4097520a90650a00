//! The binary codec and the readers of requests, by properties: what is written reads back with the same
//! bits, and no bytes make them panic.

mod support;

use easylife_server::model::Model;
use easylife_server::oip::{binary, read, write};
use easylife_server::{Data, Datatype, InferResponse, Strings, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;
use support::Echo;

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        vec(any::<bool>(), 0..50).prop_map(Data::Bool),
        vec(any::<i32>(), 0..50).prop_map(Data::Int32),
        vec(any::<i64>(), 0..50).prop_map(Data::Int64),
        vec(any::<u32>().prop_map(f32::from_bits), 0..50).prop_map(Data::Fp32),
        vec(any::<u64>().prop_map(f64::from_bits), 0..50).prop_map(Data::Fp64),
        vec(vec(any::<u8>(), 0..20), 0..50)
            .prop_map(|texts| Data::Bytes(texts.into_iter().collect::<Strings>())),
    ]
}

/// The values as bits, for NaN is not equal to itself.
fn bits(data: &Data) -> Vec<u8> {
    let mut bytes = Vec::new();
    binary::encode(data, &mut bytes);
    bytes
}

fn datatype() -> impl Strategy<Value = Datatype> {
    proptest::sample::select(Datatype::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same_bits(data in data()) {
        let bytes = bits(&data);
        prop_assert_eq!(bytes.len(), binary::encoded_len(&data));
        let back = binary::decode(data.datatype(), data.len(), &bytes).unwrap();
        prop_assert_eq!(back.datatype(), data.datatype());
        prop_assert_eq!(back.len(), data.len());
        prop_assert_eq!(bits(&back), bytes);
    }

    #[test]
    fn a_wrong_count_or_length_is_refused(data in data(), more in 1usize..9) {
        let mut bytes = bits(&data);
        prop_assert!(binary::decode(data.datatype(), data.len() + more, &bytes).is_err());
        bytes.extend(std::iter::repeat_n(0xff, more));
        prop_assert!(binary::decode(data.datatype(), data.len(), &bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(kind in datatype(), count in any::<usize>(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = binary::decode(kind, count, &bytes);
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in vec(any::<u8>(), 0..200), length in proptest::option::of(0usize..300)) {
        let _ = read(&body, length, Echo::new().metadata());
    }

    /// Near misses get further than noise does.
    #[test]
    fn damaged_requests_never_panic(
        data in data(), position in any::<prop::sample::Index>(), byte in any::<u8>(), announced in any::<u32>()
    ) {
        let raw = bits(&data);
        let name = data.datatype().name();
        let head = format!(
            r#"{{"inputs":[{{"name":"{name}","datatype":"{name}","shape":[{}],"parameters":{{"binary_data_size":{}}}}}]}}"#,
            data.len(), raw.len()
        );
        let mut body = [head.as_bytes(), &raw].concat();
        let echo = Echo::new();
        let whole = read(&body, Some(head.len()), echo.metadata()).unwrap();
        prop_assert_eq!(bits(&whole.request.inputs[0].data), raw);
        let place = position.index(body.len());
        body[place] = byte;
        let _ = read(&body, Some(head.len()), echo.metadata());
        let _ = read(&body, Some(announced as usize), echo.metadata());
        let _ = read(&body[..place], Some(head.len()), echo.metadata());
    }

    /// Through JSON: what is written as an answer reads back as a request, finite numbers bit by bit.
    #[test]
    fn json_keeps_bits(numbers in vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 1..50)) {
        let echo = Echo::new();
        let empty = read(br#"{"inputs":[]}"#, None, echo.metadata()).unwrap();
        let tensor = Tensor::column("FP64", Data::Fp64(numbers));
        let expected = bits(&tensor.data);
        let answer = InferResponse { outputs: vec![tensor] };
        let written = write("echo", "1", echo.metadata(), &empty, &answer).unwrap();
        let text = String::from_utf8(written.body).unwrap().replace("\"outputs\"", "\"inputs\"");
        let back = read(text.as_bytes(), None, echo.metadata()).unwrap();
        prop_assert_eq!(bits(&back.request.inputs[0].data), expected);
    }
}
