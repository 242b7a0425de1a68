//! `twimlgate man`: the manual pages, made from the commands' own help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::diagnostics::suggest::did_you_mean;
use crate::tools::flow_input::file_error;

/// Print the manual page of the program or of a command, for `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate man serve | man -l -
  twimlgate man flow convert > twimlgate-flow-convert.1
  twimlgate man --all ~/.local/share/man/man1")]
pub(super) struct Args {
    /// The command, such as `serve` or `flow convert`; without one, the page of the program.
    command: Vec<String>,
    /// Write the pages of all commands into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    all: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let mut program = super::command().disable_help_subcommand(true);
    // It gives each command its whole name, `twimlgate flow convert`.
    program.build();
    let result = match &args.all {
        Some(folder) => write_all(&program, folder),
        None => find(&program, &args.command).and_then(print),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            err!("{problems}");
            ExitCode::from(2)
        }
    }
}

/// The command of these words.
fn find<'c>(program: &'c Command, words: &[String]) -> Result<&'c Command, Problems> {
    words.iter().try_fold(program, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
            let message = format!("`{name}` has no command `{word}`");
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let help = did_you_mean(word, known.iter().copied());
            let help = help.unwrap_or_else(|| format!("`{name} --help` shows what it has"));
            Problems::from(Problem::new(Severity::Error, message).help(help))
        })
    })
}

fn print(command: &Command) -> Result<(), Problems> {
    let page =
        page(command).map_err(|error| file_error("render", Path::new("the page"), &error))?;
    out!("{}", String::from_utf8_lossy(&page));
    Ok(())
}

/// Writes the page of a command and those of its subcommands.
fn write_all(command: &Command, folder: &Path) -> Result<(), Problems> {
    fs::create_dir_all(folder).map_err(|error| file_error("create", folder, &error))?;
    let path = folder.join(format!("{}.1", page_name(command)));
    let written = page(command).and_then(|page| fs::write(&path, page));
    written.map_err(|error| file_error("write", &path, &error))?;
    outln!("{}", path.display());
    command.get_subcommands().try_for_each(|command| write_all(command, folder))
}

/// The name of a page: that of the command, with hyphens.
fn page_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command in the language of `man`.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let version = concat!("twimlgate ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(version).manual("twimlgate");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut own = Roff::new();
    render_notes(command, &mut own);
    render_see_also(command, &mut own);
    own.to_writer(&mut page)?;
    Ok(page)
}

/// The examples and notes below the help. `man` fills paragraphs, and must leave commands alone.
fn render_notes(command: &Command, roff: &mut Roff) {
    let Some(notes) = command.get_after_help() else { return };
    roff.control("SH", ["NOTES"]);
    for line in notes.to_string().lines() {
        if line.trim().is_empty() {
            roff.control("PP", []);
        } else if line.starts_with(' ') || line.starts_with("Example:") {
            roff.control("nf", []).text([roman(line)]).control("fi", []);
        } else {
            roff.text([roman(line)]);
        }
    }
}

fn render_see_also(command: &Command, roff: &mut Roff) {
    let name = page_name(command);
    roff.control("SH", ["SEE ALSO"]);
    if let Some((above, _)) = name.rsplit_once('-') {
        roff.text([bold(above), roman("(1), the manual in /usr/share/doc/twimlgate")]);
    } else {
        roff.text([roman("The manual in /usr/share/doc/twimlgate")]);
    }
}
