//! Writing the file that lists every key.

use std::fmt::Write as _;

use clap::{Arg, Command};

/// The text of `config/tureen.toml`: every key of `serve` with its documentation and its default.
/// Keys without a default stand in a comment.
pub fn default_file(command: &Command) -> String {
    let mut out = String::from(HEAD);
    let mut heading = None;
    let arguments = command
        .find_subcommand("serve")
        .into_iter()
        .flat_map(Command::get_arguments)
        .filter(|argument| argument.get_id() != "config" && argument.get_id() != "help");
    for argument in arguments {
        if argument.get_help_heading() != heading {
            heading = argument.get_help_heading();
            let _ = write!(out, "\n## {}\n", heading.unwrap_or_default());
        }
        key(argument, &mut out);
    }
    out
}

fn key(argument: &Arg, out: &mut String) {
    let name = argument.get_long().unwrap_or_default();
    let help = argument
        .get_long_help()
        .or_else(|| argument.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    out.push('\n');
    // clap takes the last full stop away.
    wrap(&format!("{help}."), out);
    let choices: Vec<_> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !matches!(value.get_name(), "true" | "false"))
        .map(|value| value.get_name().to_owned())
        .collect();
    if !choices.is_empty() {
        wrap(&format!("One of: {}.", choices.join(", ")), out);
    }
    let is_list = argument.get_value_delimiter().is_some();
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(literal)
        .collect();
    let _ = match (is_list, defaults.as_slice()) {
        (true, list) => writeln!(out, "{name} = [{}]", list.join(", ")),
        (false, []) => writeln!(out, "# {name} = \"\""),
        (false, [value, ..]) => writeln!(out, "{name} = {value}"),
    };
}

/// A default as TOML writes it.
fn literal(value: &str) -> String {
    if value.parse::<i64>().is_ok() || value.parse::<bool>().is_ok() {
        value.to_owned()
    } else {
        format!("{value:?}")
    }
}

fn wrap(text: &str, out: &mut String) {
    let mut width = 0;
    for word in text.split_whitespace() {
        if width > 0 && width + word.len() >= LINE_WIDTH {
            out.push('\n');
            width = 0;
        }
        out.push_str(if width == 0 { "# " } else { " " });
        out.push_str(word);
        width += word.len() + 2;
    }
    out.push('\n');
}

const LINE_WIDTH: usize = 96;

const HEAD: &str = "\
# Configuration of `tureen serve`, with every key at its default: `tureen config` prints this file,
# `tureen serve --config FILE` reads one like it. Each key is also a flag (--max-rooms) and an
# environment variable (TUREEN_MAX_ROOMS); a flag wins over the environment, that over the file.
";
