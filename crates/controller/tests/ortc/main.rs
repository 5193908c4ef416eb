//! The ORTC functions against results of the npm package mediasoup 3.27.1 on the same inputs.
//!
//! `golden.json` is what `node tests/interop/ortc/evaluate.mjs --golden` prints; the comparison
//! with the package itself, on many more inputs, is `tests/interop/ortc/compare.test.mjs`.

use serde_json::{Map, Value};

mod evaluate;

#[test]
fn results_are_those_of_mediasoup() {
    let golden: Value = serde_json::from_str(include_str!("golden.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 100, "{} cases", cases.len());
    for entry in cases {
        let case = resolved(&golden["values"], &entry["case"]);
        let expected = resolved(&golden["values"], &entry["result"]);
        let actual = evaluate::evaluate(&case);
        for (step, actual) in actual.as_object().unwrap() {
            let expected = &expected[step];
            // We parse the whole input before we judge any of it. So if it has two faults, we may
            // name the other one.
            if actual["parse"] == true && expected["error"].is_string() {
                continue;
            }
            assert!(
                same(actual, expected),
                "{}, {step}:\n{actual}\n{expected}",
                case["name"]
            );
        }
        let steps = |value: &Value| value.as_object().unwrap().len();
        assert_eq!(steps(&actual), steps(&expected), "{}", case["name"]);
    }
}

/// An object whose values are indices into `values`, with the values in their place.
fn resolved(values: &Value, object: &Value) -> Value {
    let resolved: Map<_, _> = object
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, index)| {
            let index = usize::try_from(index.as_u64().unwrap()).unwrap();
            (key.clone(), values[index].clone())
        })
        .collect();
    Value::Object(resolved)
}

/// JSON equality for which 5e9 and 5000000000 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}
