//! `twimlgate test`: runs flow tests.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::tools::flow_test::{
    CoveragePicture, CoverageReport, FileReport, TestCounts, TestReport, apply_edits, find_tests,
    render_tree, run_tests, write_junit,
};

const EXAMPLE: &str = r#"Example:
  cat > hotline.test.toml <<'END'
  flow = "hotline.json"

  [[case]]
  name = "A caller asks for the plan"
  given.lookup = { json = { plan = "gold" } }
  script = '''
  hear  Welcome …
  press 1
  hear  … plan is gold.
  ends  completed
  '''
  END
  twimlgate test hotline.test.toml

Functions answer what the file has under `given`. No request reaches the network, and time is
simulated. docs/flow-tests.md has all keys and all words of a script.

Exit code 0: all passed; 1: some failed; 2: a file cannot be read."#;

/// Run flow tests: scripts with the actions of a caller and the expected events.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Flow tests, or folders: every `*.test.toml` below them.
    #[arg(required = true)]
    path: Vec<PathBuf>,
    /// Only cases whose name, or whose file's path, contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Rewrite the failing lines, as they would have passed; review the difference like code.
    #[arg(long)]
    update: bool,
    /// Show the covered widgets and transitions, and the transitions without a test.
    #[arg(long)]
    coverage: bool,
    /// With --coverage: write a picture of each flow to this folder, with what is covered.
    #[arg(long, value_name = "FOLDER", requires = "coverage")]
    svg: Option<PathBuf>,
    /// Write a JUnit report, for continuous integration.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs the tests. Exit 0: all passed; 1: some failed; 2: a file cannot be read or written.
pub(super) fn run(args: &Args) -> ExitCode {
    match run_and_report(args) {
        Ok(code) => code,
        Err(problems) => {
            err!("{problems}");
            ExitCode::from(2)
        }
    }
}

fn run_and_report(args: &Args) -> Result<ExitCode, Problems> {
    let mut paths = Vec::new();
    for path in &args.path {
        let found = find_tests(path)?;
        // A folder without tests is probably a typing mistake, and must not pass in CI.
        if found.is_empty() {
            let message = format!("there is no flow test below `{}`", path.display());
            let problem = Problem::new(Severity::Error, message);
            return Err(problem.help("their names end in `.test.toml`").into());
        }
        paths.extend(found);
    }
    let report = run_and_update(&paths, args)?;
    out!("{}", render_tree(&report, std::io::stdout().is_terminal()));
    // Also after failures: a test that fails still covers widgets.
    if args.coverage {
        out!("\n{}", report.coverage);
    }
    if let Some(folder) = &args.svg {
        write_pictures(&report.coverage, folder)?;
    }
    if let Some(path) = &args.junit {
        let written = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            write_junit(&report, &mut file)?;
            file.flush()
        });
        written.map_err(|error| write_error(path, &error))?;
    }
    let counts = report.counts();
    if counts == TestCounts::default() {
        let filter = args.filter.as_deref().unwrap_or_default();
        let message = format!("the name of no case contains `{filter}`");
        return Err(Problem::new(Severity::Error, message).into());
    }
    Ok(match counts {
        TestCounts { failed: 0, broken_files: 0, .. } => ExitCode::SUCCESS,
        TestCounts { broken_files: 0, .. } => ExitCode::FAILURE,
        _ => ExitCode::from(2),
    })
}

/// Runs the tests. With `--update`, rewrites the failing lines, and runs the tests once more: the
/// right lines may let a script continue.
fn run_and_update(paths: &[PathBuf], args: &Args) -> Result<TestReport, Problems> {
    let report = run_filtered(paths, args);
    if !args.update {
        return Ok(report);
    }
    let mut lines = 0;
    for file in &report.files {
        lines += update_file(file)?;
    }
    if lines == 0 {
        return Ok(report);
    }
    outln!("{lines} {} rewritten\n", if lines == 1 { "line" } else { "lines" });
    Ok(run_filtered(paths, args))
}

fn run_filtered(paths: &[PathBuf], args: &Args) -> TestReport {
    run_tests(paths, args.filter.as_deref())
}

fn update_file(file: &FileReport) -> Result<usize, Problems> {
    let Ok(cases) = &file.cases else { return Ok(0) };
    let mut failures = cases.iter().flat_map(|case| &case.failures).peekable();
    let Some(first) = failures.peek() else { return Ok(0) };
    // The text as it was read: the edits are positions in it.
    let Some(place) = &first.problem.place else { return Ok(0) };
    let edited = apply_edits(&place.source.text, failures);
    if edited.lines > 0 {
        std::fs::write(&file.path, edited.text).map_err(|error| write_error(&file.path, &error))?;
    }
    Ok(edited.lines)
}

/// Writes a picture of each flow. A flow that is too large for one is named.
fn write_pictures(coverage: &CoverageReport, folder: &Path) -> Result<(), Problems> {
    std::fs::create_dir_all(folder).map_err(|error| write_error(folder, &error))?;
    out!("\n");
    for CoveragePicture { name, file_name, svg } in coverage.pictures() {
        match svg {
            Ok(svg) => {
                let path = folder.join(file_name);
                std::fs::write(&path, svg).map_err(|error| write_error(&path, &error))?;
                outln!("picture: {}", path.display());
            }
            Err(error) => errln!("no picture of `{name}`: {error}"),
        }
    }
    Ok(())
}

fn write_error(path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot write `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
