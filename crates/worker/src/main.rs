//! The media worker as a program. A controller starts it.

fn main() {
    std::process::exit(tureen_worker::run(std::env::args_os()));
}
