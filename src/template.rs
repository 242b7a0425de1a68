//! Stage 7: the user's templates, compiled once at start: variables to text, or to TwiML.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::config::ConfigText;
use crate::diagnostics::problem::{Level, Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::limits::{DOCUMENT_BYTES_MAX, TEMPLATE_BYTES_MAX, TEMPLATES_MAX};
use crate::liquid::{self, LiquidEngine, OutputFormat, RenderLimits, Template};
use crate::read_limited::read_text_limited;

/// The templates folder, and the language.
pub struct TemplateFolder {
    folder: PathBuf,
    engine: LiquidEngine,
    files: Vec<TemplateFile>,
}

struct TemplateFile {
    /// Its path below the folder, with `/` between: what the configuration and `include` say.
    name: String,
    source: Source,
    /// `None` where it does not compile, which has been said.
    template: Option<Template>,
}

/// Files that are templates by their ending; the folder may hold others.
const ENDINGS: [&str; 3] = ["xml", "liquid", "txt"];

impl TemplateFolder {
    /// Reads and compiles every template of a folder: what does not compile is found before a
    /// caller does. Templates see each other by their path below the folder, and nothing else.
    /// `zone` is that of dates which name none.
    pub fn load(folder: &Path, zone: TimeZone, problems: &mut Problems) -> TemplateFolder {
        if !folder.is_dir() {
            problems.push(missing_folder(folder));
        }
        let mut sources = Vec::new();
        let mut names = Vec::new();
        list_templates(folder, folder, &mut names);
        names.sort();
        for name in names.into_iter().take(TEMPLATES_MAX) {
            match read_template(folder, &name) {
                Ok(source) => sources.push((name, source)),
                Err(problem) => problems.push(problem),
            }
        }
        TemplateFolder::compile(folder, sources, zone, problems)
    }

    /// The same from texts with their names.
    pub fn compile(
        folder: &Path,
        sources: Vec<(String, Source)>,
        zone: TimeZone,
        problems: &mut Problems,
    ) -> TemplateFolder {
        let mut engine = LiquidEngine::new(limits()).with_time_zone(zone);
        for (name, source) in &sources {
            // What is wrong with it is reported below, where it is compiled as a document.
            let _ = engine.add_partial(name, &source.text);
        }
        let _ = engine.close_partials();
        let files = sources
            .into_iter()
            .map(|(name, source)| {
                let output =
                    if name.ends_with(".txt") { OutputFormat::Plain } else { OutputFormat::Xml };
                let template = engine.compile(&name, &source.text, output);
                let template = template.map_err(|errors| report(&errors, &source, problems)).ok();
                TemplateFile { name, source, template }
            })
            .collect();
        TemplateFolder { folder: folder.to_owned(), engine, files }
    }

    /// A file of the folder, by the name that the configuration gives.
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

    /// All files that compile, by the name that a configuration or a flow gives.
    pub fn documents(&self) -> impl Iterator<Item = (String, Template)> {
        self.files.iter().filter_map(|file| Some((file.name.clone(), file.template.clone()?)))
    }

    /// A name of a parameter as a template without markup.
    pub fn compile_name(&self, name: &str) -> Option<Template> {
        self.engine
            .compile(name, &format!("{{% raw %}}{name}{{% endraw %}}"), OutputFormat::Plain)
            .ok()
    }

    /// The language with the templates of the folder as partials.
    pub fn engine(&self) -> &LiquidEngine {
        &self.engine
    }

    /// A template that stands in the configuration itself; its output is plain text.
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

/// What one render may cost: a document the carrier would refuse is stopped here already.
pub fn limits() -> RenderLimits {
    RenderLimits { output_bytes: DOCUMENT_BYTES_MAX, ..RenderLimits::default() }
}

/// Compiles a template that stands alone, for `render`.
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
    Problem::new(Level::Warning, message).help(help)
}

fn report(errors: &[liquid::LiquidError], source: &Source, problems: &mut Problems) {
    for error in errors {
        problems.push(to_problem(error, source));
    }
}

/// The place in a template is a place in the configuration, if its text stands there as it is:
/// without escapes, and without anything taken from the environment.
fn report_inline(errors: &[liquid::LiquidError], located: &ConfigText, problems: &mut Problems) {
    let quoted = located.source.text.get(located.span.clone()).unwrap_or_default();
    let verbatim = quoted.get(1..).is_some_and(|text| text.starts_with(&*located.text));
    for error in errors {
        let mut problem = to_problem(error, &located.source);
        let offset = located.span.start + 1;
        let span = match verbatim {
            true => offset + error.span().start..offset + error.span().end,
            false => located.span.clone(),
        };
        if let Some(place) = &mut problem.place {
            place.span = span;
        }
        problems.push(problem);
    }
}

/// The templates below `folder`, as paths below `root`. What cannot be listed is not there.
fn list_templates(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // A link to a folder above would never end.
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
        Problem::new(Level::Error, format!("cannot read the template `{shown}`: {error}"))
    };
    let text = read_text_limited(&path, TEMPLATE_BYTES_MAX).map_err(|error| unreadable(&error))?;
    Ok(Source::new(&shown, &text))
}
