//! `bench`: what forwarding costs, in time and in instructions.

use std::path::Path;
use std::process::Command;

use crate::process;

/// Runs the benchmark of the forwarding path, and runs it under callgrind when that is installed.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if let Some(unknown) = args.first() {
        return Err(format!("bench takes no {unknown}"));
    }
    let mut build = process::cargo();
    build.args([
        "build",
        "--release",
        "-p",
        "tureen-tests",
        "--bin",
        "forwarding",
    ]);
    process::succeed(&mut build)?;
    let program = process::target_directory().join("release/forwarding");
    process::succeed(&mut Command::new(&program))?;

    let Some(valgrind) = process::find("valgrind") else {
        println!("instructions           not counted: there is no valgrind");
        return Ok(());
    };
    // What both runs share, from start to warm-up, falls out of the difference.
    let short = instructions(&valgrind, &program, SHORT)?;
    let long = instructions(&valgrind, &program, LONG)?;
    let packets = long.packets.saturating_sub(short.packets).max(1);
    let spent = long.instructions.saturating_sub(short.instructions);
    println!("instructions per fwd   {}", spent / packets);
    Ok(())
}

struct Counted {
    instructions: u64,
    packets: u64,
}

fn instructions(valgrind: &Path, program: &Path, frames: &str) -> Result<Counted, String> {
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg(frames)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    let number = |text: &str, after: &str| {
        let line = text.lines().find_map(|line| line.split_once(after))?;
        line.1.split_whitespace().next()?.parse().ok()
    };
    match (
        number(&told, "Collected :"),
        number(&said, "packets forwarded"),
    ) {
        (Some(instructions), Some(packets)) => Ok(Counted {
            instructions,
            packets,
        }),
        _ => Err(format!("valgrind counted nothing:\n{told}")),
    }
}

const SHORT: &str = "30";
const LONG: &str = "60";
