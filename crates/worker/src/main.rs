//! The media worker as a program of its own; a controller starts it.

fn main() {
    std::process::exit(tureen_worker::run(std::env::args_os()));
}
