//! The runner of flow tests: each case on a gateway of its own in this process, in simulated time,
//! on all cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::timeout;

use super::case_mocks::CaseMocks;
use super::coverage::CoverageReport;
use super::failure::TestFailure;
use super::file::{FlowTestFile, TestCase};
use super::mocks::mock_advice;
use super::script::{ScriptOutcome, run_script};
use super::target::LoadedTarget;
use crate::clock;
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::flow::TransitionRecord;
use crate::function::MockTransport;
use crate::tools::phone::{Caller, InProcessGateway, Phone, PhoneEvent, WebhookClient};

/// The suffix of the names of flow tests.
const TEST_FILE_SUFFIX: &str = ".test.toml";

/// The report on all files.
#[derive(Debug, Default)]
pub struct TestReport {
    /// The files, in the order of their names.
    pub(crate) files: Vec<FileReport>,
    /// The covered widgets and transitions.
    pub(crate) coverage: CoverageReport,
    /// The real time from the first file to the last case.
    pub(super) duration: Duration,
}

/// The report on one file.
#[derive(Debug)]
pub(crate) struct FileReport {
    pub(crate) path: PathBuf,
    /// The cases, or the problems of a file that cannot be run.
    pub(crate) cases: Result<Vec<CaseReport>, Problems>,
}

/// The report on one case.
#[derive(Debug)]
pub(crate) struct CaseReport {
    pub(super) name: String,
    /// The real time.
    pub(super) duration: Duration,
    /// The failures; empty if the case passed.
    pub(crate) failures: Vec<TestFailure>,
    transitions: Vec<TransitionRecord>,
}

/// The numbers of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestCounts {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Files that cannot be run.
    pub broken_files: usize,
}

/// The result of one case.
struct CaseResult {
    failures: Vec<TestFailure>,
    transitions: Vec<TransitionRecord>,
}

/// A file that can be run, with the cases to run.
struct LoadedTestFile {
    file: FlowTestFile,
    target: LoadedTarget,
    cases: Vec<TestCase>,
}

/// One case to run.
struct CaseJob<'a> {
    file_index: usize,
    file: &'a LoadedTestFile,
    case: &'a TestCase,
}

/// The limit of a case in simulated time: 30 years, longer than any conversation.
const CASE_TIME_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);

/// Finds the flow tests at a path: the file itself, or all files below a folder, in order.
///
/// # Errors
/// If a folder cannot be read.
pub fn find_tests(path: &Path) -> Result<Vec<PathBuf>, Problems> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        Problems::from(Problem::new(Severity::Error, message))
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        // `./a` and `a` are the same file, and have one name in reports.
        return Ok(vec![path.strip_prefix(".").unwrap_or(path).to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // Links are not followed: one to a folder above would never end.
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Hidden folders are those of tools: `.git`, editors, virtual environments.
        if folder && !name.starts_with('.') {
            found.extend(find_tests(&path)?);
        } else if name.ends_with(TEST_FILE_SUFFIX) {
            found.push(path.strip_prefix(".").unwrap_or(&path).to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the cases of these files whose name or path contains `filter`.
pub fn run_tests(paths: &[PathBuf], filter: Option<&str>) -> TestReport {
    let began = clock::now();
    let files: Vec<Result<LoadedTestFile, Problems>> =
        paths.iter().map(|path| LoadedTestFile::read(path, filter)).collect();
    let mut jobs: Vec<CaseJob<'_>> = Vec::new();
    for (file_index, file) in files.iter().enumerate() {
        let Ok(file) = file else { continue };
        jobs.extend(file.cases.iter().map(|case| CaseJob { file_index, file, case }));
    }
    let mut report = TestReport::default();
    let results = run_jobs(&jobs);
    let mut results = jobs.iter().map(|job| job.file_index).zip(results).peekable();
    for (index, (path, file)) in paths.iter().zip(&files).enumerate() {
        let mut cases = Vec::new();
        while let Some((_, case)) = results.next_if(|(of, _)| *of == index) {
            cases.push(case);
        }
        if let (Ok(LoadedTestFile { target, .. }), false) = (file, cases.is_empty()) {
            let transitions = cases.iter().flat_map(|case| &case.transitions);
            report.coverage.add_transitions(&target.name, &target.flow, transitions);
        }
        let cases = file.as_ref().map(|_| cases).map_err(Clone::clone);
        report.files.push(FileReport { path: path.clone(), cases });
    }
    report.duration = clock::now().duration_since(began);
    report
}

/// Runs all cases on all cores. The reports have the order of the jobs.
fn run_jobs(jobs: &[CaseJob<'_>]) -> Vec<CaseReport> {
    let done: Mutex<Vec<(usize, CaseReport)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let work = || {
        let runtime = actix_web::rt::System::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(CaseJob { file, case, .. }) = jobs.get(number) else { break };
            let began = clock::now();
            // A panic is a bug of the gateway: the other cases still run.
            let running = AssertUnwindSafe(|| runtime.block_on(run_case(file, case)));
            let result = catch_unwind(running).unwrap_or_else(|_| {
                let failure = internal_failure(file, case, "the gateway panicked");
                CaseResult { failures: vec![failure], transitions: Vec::new() }
            });
            let report = CaseReport {
                name: case.name.clone(),
                duration: clock::now().duration_since(began),
                failures: result.failures,
                transitions: result.transitions,
            };
            done.lock().push((number, report));
        }
    };
    thread::scope(|scope| {
        (0..cores).for_each(|_| drop(scope.spawn(work)));
    });
    let mut done = done.into_inner();
    // The threads finish in any order.
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, report)| report).collect()
}

/// The failure for a bug of this program.
fn internal_failure(file: &LoadedTestFile, case: &TestCase, what: &str) -> TestFailure {
    let message = format!("{what}, please report it");
    TestFailure::from_problem(file.file.source.error(case.span.clone(), message))
}

/// Runs one case.
async fn run_case(file: &LoadedTestFile, case: &TestCase) -> CaseResult {
    let _pretended = clock::pretend(case.at);
    let source = &file.file.source;
    let failed = |failure| CaseResult { failures: vec![failure], transitions: Vec::new() };
    let Some(gateway) = file.target.gateway() else {
        let problem = source.error(case.span.clone(), "its files were changed meanwhile");
        return failed(TestFailure::from_problem(problem));
    };
    let mocks = Rc::new(CaseMocks::new(case, &file.target));
    let gateway =
        InProcessGateway::new(gateway, Some(Rc::clone(&mocks) as Rc<dyn MockTransport>), true);
    let gateway = Rc::new(gateway);
    let mut caller = Caller::new(&case.from, &case.to);
    caller.parameters.clone_from(&case.params);
    if let Some(account) = gateway.account() {
        account.clone_into(&mut caller.account);
    }
    let client = WebhookClient::for_gateway(&gateway);
    let number = gateway.phone_number(&file.target.route);
    let mut phone = Phone::new(file.target.channel, client, number, caller);
    // If nothing is left to wait for, simulated time jumps to this limit at once.
    let Ok(outcome) = timeout(CASE_TIME_MAX, run_script(&mut phone, source, case)).await else {
        return failed(internal_failure(file, case, "the conversation does not continue"));
    };
    let ScriptOutcome { mut failures, events } = outcome;
    let without_mock = mocks.missing.borrow();
    if !without_mock.is_empty() {
        // Their answers are those of a refused connection, which `--update` must not write down.
        failures.iter_mut().for_each(|failure| failure.edit = None);
    }
    for name in without_mock.iter() {
        let problem = source.error(
            case.span.clone(),
            format!("`{name}` was called, and no answer is given for it"),
        );
        let problem = problem.help(format!("add {}", mock_advice(name)));
        failures.insert(0, TestFailure::from_problem(problem));
    }
    let mut transitions = Vec::new();
    for event in events {
        if let PhoneEvent::Webhook(exchange) = event {
            transitions.extend(exchange.trace.into_iter().flat_map(|trace| trace.transitions));
        }
    }
    CaseResult { failures, transitions }
}

// === impl LoadedTestFile ===

impl LoadedTestFile {
    fn read(path: &Path, filter: Option<&str>) -> Result<LoadedTestFile, Problems> {
        let file = FlowTestFile::read(path)?;
        let target = LoadedTarget::load(&file)?;
        let mut cases = file.cases.clone();
        let shown = path.display().to_string();
        cases.retain(|case| {
            filter.is_none_or(|filter| shown.contains(filter) || case.name.contains(filter))
        });
        Ok(LoadedTestFile { file, target, cases })
    }
}

// === impl TestReport ===

impl TestReport {
    /// Counts the cases and the broken files.
    pub fn counts(&self) -> TestCounts {
        let mut counts = TestCounts::default();
        for file in &self.files {
            match &file.cases {
                Ok(cases) => {
                    let passed = cases.iter().filter(|case| case.failures.is_empty()).count();
                    counts.passed += passed;
                    counts.failed += cases.len() - passed;
                }
                Err(_) => counts.broken_files += 1,
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_that_never_continues_ends_at_once() {
        actix_web::rt::System::new().block_on(async {
            let _pretended = clock::pretend(Duration::ZERO);
            assert!(timeout(CASE_TIME_MAX, std::future::pending::<()>()).await.is_err());
        });
    }
}
