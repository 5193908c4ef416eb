//! `bench`: what forwarding costs, in time and in instructions.

use std::path::Path;
use std::process::Command;

use crate::process;

/// Runs the benchmark of the forwarding path for these scenes, and runs it under callgrind when that
/// is installed. Without names it is the one that README.md speaks of.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
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
    if args.is_empty() {
        return measure(&program, "broadcast");
    }
    args.iter().try_for_each(|scene| measure(&program, scene))
}

fn measure(program: &Path, scene: &str) -> Result<(), String> {
    println!("scene                  {scene}");
    process::succeed(Command::new(program).args([FULL, scene]))?;
    let Some(valgrind) = process::find("valgrind") else {
        println!("instructions           not counted: there is no valgrind");
        return Ok(());
    };
    // What both runs share, from start to warm-up, falls out of the difference.
    let short = instructions(&valgrind, program, SHORT, scene)?;
    let long = instructions(&valgrind, program, LONG, scene)?;
    let packets = long.packets.saturating_sub(short.packets).max(1);
    let spent = long.instructions.saturating_sub(short.instructions);
    println!("instructions per fwd   {}", spent / packets);
    Ok(())
}

struct Counted {
    instructions: u64,
    packets: u64,
}

fn instructions(
    valgrind: &Path,
    program: &Path,
    frames: &str,
    scene: &str,
) -> Result<Counted, String> {
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        // Only what the worker does counts, and not the peers that send to it.
        .arg("--toggle-collect=forwarding::wake")
        .arg(program)
        .args([frames, scene])
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

const FULL: &str = "700";
const SHORT: &str = "30";
const LONG: &str = "60";
