//! Stage 7: the user's templates, compiled once at start: variables to text, or to TwiML.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::config::ConfigText;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::limits::{DOCUMENT_BYTES_MAX, TEMPLATE_BYTES_MAX, TEMPLATES_MAX};
use crate::liquid::{self, LiquidEngine, OutputFormat, RenderLimits, Template};
use crate::read_limited::read_text_limited;

/// The templates folder: its files, compiled, and the engine with all of them as partials.
pub struct TemplateFolder {
    folder: PathBuf,
    engine: LiquidEngine,
    files: Vec<TemplateFile>,
}

struct TemplateFile {
    /// The path below the folder, with `/` as separator, as in the configuration and in `include`.
    name: String,
    source: Source,
    /// `None` where it does not compile; its problems have been reported.
    template: Option<Template>,
}

/// The extensions of templates; the folder may hold other files.
const ENDINGS: [&str; 3] = ["xml", "liquid", "txt"];

impl TemplateFolder {
    /// Reads and compiles every template of a folder, so that errors are found before the first
    /// call. Templates may include each other by their path below the folder. `zone` is the one of
    /// dates without a zone.
    pub fn load(folder: &Path, zone: TimeZone, problems: &mut Problems) -> TemplateFolder {
        if !folder.is_dir() {
            problems.push(missing_folder(folder));
        }
        let mut sources = Vec::new();
        let mut names = Vec::new();
        list_templates(folder, folder, &mut names);
        // The order of a directory is arbitrary; problems are reported in one order.
        names.sort();
        for name in names.into_iter().take(TEMPLATES_MAX) {
            match read_template(folder, &name) {
                Ok(source) => sources.push((name, source)),
                Err(problem) => problems.push(problem),
            }
        }
        TemplateFolder::compile(folder, sources, zone, problems)
    }

    /// Compiles texts with their names as if they were the files of `folder`.
    pub fn compile(
        folder: &Path,
        sources: Vec<(String, Source)>,
        zone: TimeZone,
        problems: &mut Problems,
    ) -> TemplateFolder {
        let mut engine = LiquidEngine::new(limits()).with_time_zone(zone);
        for (name, source) in &sources {
            // Its errors are reported below, where it is compiled as a document.
            let _ = engine.add_partial(name, &source.text);
        }
        // A missing partial is reported below, too, for the document that names it.
        let _ = engine.close_partials();
        let files = sources
            .into_iter()
            .map(|(name, source)| {
                // Templates of messages are text; all others become TwiML.
                let output =
                    if name.ends_with(".txt") { OutputFormat::Plain } else { OutputFormat::Xml };
                let template = engine.compile(&name, &source.text, output);
                let template = template.map_err(|errors| report(&errors, &source, problems)).ok();
                TemplateFile { name, source, template }
            })
            .collect();
        TemplateFolder { folder: folder.to_owned(), engine, files }
    }

    /// The template and source of a file, by its name in the configuration.
    pub fn document(
        &self,
        named: &ConfigText,
        problems: &mut Problems,
    ) -> Option<(Template, Source)> {
        if let Some(file) = self.files.iter().find(|file| file.name == named.text) {
            return Some((file.template.clone()?, file.source.clone()));
        }
        let path = self.folder.join(named.shown());
        let message = format!("there is no template `{}`", path.display());
        let names = self.files.iter().map(|file| file.name.as_str());
        let help = did_you_mean(named.shown(), names)
            .unwrap_or_else(|| format!("a path below `{}`, ending in .xml", self.folder.display()));
        let problem = named.source.error(named.span.clone(), message);
        problems.push(problem.expected("no such file").help(help));
        None
    }

    /// All files that compile, with their names in a configuration or a flow.
    pub fn documents(&self) -> impl Iterator<Item = (String, Template)> {
        self.files.iter().filter_map(|file| Some((file.name.clone(), file.template.clone()?)))
    }

    /// Compiles the name of a parameter, in which markup is text.
    pub fn compile_name(&self, name: &str) -> Option<Template> {
        self.engine
            .compile(name, &format!("{{% raw %}}{name}{{% endraw %}}"), OutputFormat::Plain)
            .ok()
    }

    /// The engine with the templates of the folder as partials.
    pub fn engine(&self) -> &LiquidEngine {
        &self.engine
    }

    /// Compiles a template that is written in the configuration itself; its output is plain text.
    pub fn compile_inline(
        &self,
        located: &ConfigText,
        problems: &mut Problems,
    ) -> Option<Template> {
        let compiled =
            self.engine.compile(&located.source.name, &located.text, OutputFormat::Plain);
        compiled.map_err(|errors| report_inline(&errors, located, problems)).ok()
    }
}

/// The limits of one render. A document that is too large for the carrier is stopped while it is
/// rendered.
pub fn limits() -> RenderLimits {
    RenderLimits { output_bytes: DOCUMENT_BYTES_MAX, ..RenderLimits::default() }
}

/// Compiles a template outside of the folder, for the command `render`.
pub fn compile_source(
    engine: &LiquidEngine,
    source: &Source,
    output: OutputFormat,
) -> Result<Template, Problems> {
    engine.compile(&source.name, &source.text, output).map_err(|errors| {
        let mut problems = Problems::default();
        report(&errors, source, &mut problems);
        problems
    })
}

/// An error of the language as a problem in a file.
pub fn to_problem(error: &liquid::LiquidError, source: &Source) -> Problem {
    let problem = source.error(error.span(), error.detail());
    problem.expected(error.kind().to_string()).help(error.help().unwrap_or_default())
}

fn missing_folder(folder: &Path) -> Problem {
    let message = format!("there is no templates folder `{}`", folder.display());
    let help = "make it, or point `server.templates` to yours: it is relative to the folder of \
                the configuration file";
    Problem::new(Severity::Warning, message).help(help)
}

fn report(errors: &[liquid::LiquidError], source: &Source, problems: &mut Problems) {
    for error in errors {
        problems.push(to_problem(error, source));
    }
}

/// Reports errors of a template in the configuration. Their place in the template is a place in the
/// configuration if the text is written there verbatim: without escapes and variables of the
/// environment. Otherwise the place is the whole value.
fn report_inline(errors: &[liquid::LiquidError], located: &ConfigText, problems: &mut Problems) {
    let quoted = located.source.text.get(located.span.clone()).unwrap_or_default();
    let verbatim = quoted.get(1..).is_some_and(|text| text.starts_with(&*located.text));
    for error in errors {
        let mut problem = to_problem(error, &located.source);
        let offset = located.span.start + 1;
        let span = if verbatim {
            offset + error.span().start..offset + error.span().end
        } else {
            located.span.clone()
        };
        if let Some(place) = &mut problem.place {
            place.span = span;
        }
        problems.push(problem);
    }
}

/// Lists the templates below `folder`, as paths below `root`. Folders that cannot be read are
/// empty.
fn list_templates(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links to folders are not followed: `file_type` is that of the link, so no circle is
        // endless.
        if hidden || names.len() > TEMPLATES_MAX {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list_templates(root, &path, names);
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|e| ending == *e)) {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            names.push(parts.join("/"));
        }
    }
}

fn read_template(folder: &Path, name: &str) -> Result<Source, Problem> {
    let path = folder.join(name);
    let shown = path.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::new(Severity::Error, format!("cannot read the template `{shown}`: {error}"))
    };
    let text = read_text_limited(&path, TEMPLATE_BYTES_MAX).map_err(|error| unreadable(&error))?;
    Ok(Source::new(&shown, &text))
}
