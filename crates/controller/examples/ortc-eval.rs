//! Prints this crate's ORTC results for the cases in a JSON file, one line each.
//! `tests/interop/ortc/compare.test.mjs` compares them with those of the npm package.

use std::error::Error;
use std::{env, fs};

use serde_json::Value;

#[path = "../tests/ortc/evaluate.rs"]
mod evaluate;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: ortc-eval CASES.json")?;
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(file)?)?;
    for case in &cases {
        println!("{}", evaluate::evaluate(case));
    }
    Ok(())
}
