//! Keys and signatures from the command line, for `tools/check-signatures`.
//!
//! ```text
//! sign keys new PRIVATE PUBLIC               make a key pair
//! sign sign MODEL PRIVATE BUNDLE             sign a model file
//! sign verify-signature MODEL BUNDLE PUBLIC  verify one; prints its digest and the key's id
//! ```

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use easylife_registry::signing::{self, PrivateKey, PublicKey};

/// No model is larger, in bytes.
const MAX_MODEL: u64 = 1 << 32;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    match words {
        ["keys", "new", private, public] => {
            let key = PrivateKey::generate()?;
            key.write_new(Path::new(private))?;
            key.public_key().write(Path::new(public))?;
            println!("{}", key.public_key());
        }
        ["sign", model, private, bundle] => {
            let key = PrivateKey::read(Path::new(private))?;
            let signed = signing::sign(Path::new(model), &key)?;
            files::atomic::write(Path::new(bundle), |out| out.write_all(signed.as_bytes()))?;
        }
        ["verify-signature", model, bundle, public] => {
            let keys = [PublicKey::read(Path::new(public))?];
            let bundle = signing::read_bundle(Path::new(bundle), model)?;
            let verified = signing::verify(&bundle, model, &keys)?;
            verified.read(File::open(model)?, MAX_MODEL)?;
            println!("{} {}", verified.digest(), verified.key_id());
        }
        _ => return Err("see the first lines of examples/sign.rs".into()),
    }
    Ok(())
}
