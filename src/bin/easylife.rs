//! The binary: run, print the one error, choose the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(easylife::cli::main() as u8)
}
