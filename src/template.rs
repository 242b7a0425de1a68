//! Stage 7: the templates, compiled once at the start. They render variables as text or TwiML.
//!
//! `document_check` reads them as TwiML at the same time, so that one that can never be a document
//! is found before the first call. Nothing here knows flows or webhooks.

mod document_check;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::channel::Channel;
use crate::config::ConfigText;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::limits::{DOCUMENT_BYTES_MAX, TEMPLATE_BYTES_MAX, TEMPLATES_MAX};
use crate::liquid::{self, LiquidEngine, OutputFormat, RenderLimits, Template};
use crate::read_limited::read_text_limited;

/// The compiled files of the templates folder, and the engine that has all of them as partials.
pub struct TemplateFolder {
    folder: PathBuf,
    engine: LiquidEngine,
    files: Vec<TemplateFile>,
}

struct TemplateFile {
    /// The path relative to the folder, with `/` as separator, as in the configuration and in
    /// `include`.
    name: String,
    source: Source,
    /// `None` if the file does not compile; its problems have been reported.
    template: Option<Template>,
}

/// The file extensions of templates. The folder may contain other files.
const ENDINGS: [&str; 3] = ["xml", "liquid", "txt"];

/// The endings that `include` and `render` may leave out, as Liquid's own file system does.
const PARTIAL_ENDINGS: [&str; 3] = [".liquid", ".xml", ".txt"];

impl TemplateFolder {
    /// Reads and compiles every template of a folder, so that errors are found before the first
    /// call. Templates may include each other by their path in the folder. `zone` is the time zone
    /// of dates without one.
    pub fn load(folder: &Path, zone: TimeZone, problems: &mut Problems) -> TemplateFolder {
        match std::fs::read_dir(folder) {
            // Whether that matters depends on the configuration.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message =
                    format!("cannot read the templates folder `{}`: {error}", folder.display());
                problems.push(Problem::new(Severity::Error, message));
            }
            Ok(_) => {}
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
        // All partials before the first document, which may include any of them.
        let mut engine = LiquidEngine::new(limits()).with_time_zone(zone);
        for (name, source) in &sources {
            // Its errors are reported below, where it is compiled as a document.
            let _ = engine.add_partial(name, &source.text);
        }
        for (alias, name) in partial_aliases(&sources) {
            engine.add_partial_alias(&alias, name);
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

    /// The template and the source of a file that the configuration names.
    pub(crate) fn document(
        &self,
        reference: &ConfigText,
        problems: &mut Problems,
    ) -> Option<(Template, Source)> {
        if let Some(file) = self.files.iter().find(|file| file.name == reference.text) {
            return Some((file.template.clone()?, file.source.clone()));
        }
        // As written: the name may contain a secret from the environment.
        let path = self.folder.join(reference.display_text());
        let message = format!("there is no template `{}`", path.display());
        let names = self.files.iter().map(|file| file.name.as_str());
        let folder = self.folder.display();
        let help = did_you_mean(reference.display_text(), names).unwrap_or_else(|| {
            if self.folder.is_dir() {
                format!("a path below `{folder}`, ending in .xml")
            } else {
                format!(
                    "there is no folder `{folder}`; make it, or set `server.templates` to yours"
                )
            }
        });
        let problem = reference.source.error(reference.span.clone(), message);
        problems.push(problem.expected("no such file").help(help));
        None
    }

    /// The templates that compiled, with their names in a configuration or a flow.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (String, Template)> {
        self.files.iter().filter_map(|file| Some((file.name.clone(), file.template.clone()?)))
    }

    /// Compiles the name of a parameter, in which Liquid markup is plain text.
    pub(crate) fn compile_name(&self, name: &str) -> Option<Template> {
        // Only a name with `{% endraw %}` does not compile.
        self.engine
            .compile(name, &format!("{{% raw %}}{name}{{% endraw %}}"), OutputFormat::Plain)
            .ok()
    }

    /// The engine with the templates of the folder as partials.
    pub(crate) fn engine(&self) -> &LiquidEngine {
        &self.engine
    }

    /// Whether a template is a file of the folder, and not a text elsewhere.
    pub(crate) fn has_file(&self, template: &Template) -> bool {
        self.files.iter().any(|file| file.name == template.name())
    }

    /// Compiles a document in the configuration itself. `name` is the one that its errors show.
    pub(crate) fn compile_document(
        &self,
        name: &str,
        document: &ConfigText,
        problems: &mut Problems,
    ) -> Option<Template> {
        let compiled = self.engine.compile(name, &document.text, OutputFormat::Xml);
        compiled.map_err(|errors| report_inline(&errors, document, problems)).ok()
    }

    /// Checks a document in the configuration itself, with the places of the problems there.
    pub(crate) fn check_inline_document(
        &self,
        template: &Template,
        document: &ConfigText,
        channel: Channel,
    ) -> Vec<Problem> {
        let own = Source::new(template.name(), template.source());
        let problems = self.check_documents(template, Some(&own), &[channel]).into_iter();
        let relocate = |problem: Problem| match &problem.place {
            Some(place) if place.source.name == own.name => {
                let span = document.locate(place.span.clone());
                document.source.locate(span, problem)
            }
            _ => problem,
        };
        problems.map(relocate).collect()
    }

    /// Compiles a template in the configuration itself; its output is plain text.
    pub(crate) fn compile_inline(
        &self,
        template: &ConfigText,
        problems: &mut Problems,
    ) -> Option<Template> {
        let (name, text) = (&template.source.name, &template.text);
        let compiled = self.engine.compile(name, text, OutputFormat::Plain);
        compiled.map_err(|errors| report_inline(&errors, template, problems)).ok()
    }
}

/// The names by which `include` and `render` find the files beside their paths, each with the path.
/// The first file of a name counts.
fn partial_aliases(sources: &[(String, Source)]) -> Vec<(String, &str)> {
    let stems = PARTIAL_ENDINGS.iter().flat_map(|ending| {
        let stem = move |name: &'_ String| name.strip_suffix(ending).map(str::len);
        sources.iter().filter_map(move |(name, _)| Some((&name[..stem(name)?], name.as_str())))
    });
    let stems: Vec<(&str, &str)> = stems.collect();
    // Liquid's own file system has `_row.liquid` for the partial `row`.
    let marked = stems.iter().filter_map(|(stem, name)| {
        let (folder, file) = stem.split_at(stem.rfind('/').map_or(0, |slash| slash + 1));
        Some((format!("{folder}{}", file.strip_prefix('_')?), *name))
    });
    let plain = stems.iter().map(|(stem, name)| ((*stem).to_owned(), *name));
    plain.chain(marked).collect()
}

/// The limits of one render. A document that is too large for the carrier stops at the limit.
pub fn limits() -> RenderLimits {
    RenderLimits { output_bytes: DOCUMENT_BYTES_MAX, ..RenderLimits::default() }
}

/// Compiles a template outside the templates folder, for the command `render`.
pub(crate) fn compile_source(
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

/// Converts an error of Liquid into a problem of a file.
pub(crate) fn to_problem(error: &liquid::LiquidError, source: &Source) -> Problem {
    let problem = source.error(error.span(), error.detail());
    problem.expected(error.kind().to_string()).help(error.help().unwrap_or_default())
}

/// The warning for a folder that is configured and does not exist.
pub(crate) fn missing_folder(folder: &Path) -> Problem {
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

/// Reports the errors of a template in the configuration.
fn report_inline(errors: &[liquid::LiquidError], template: &ConfigText, problems: &mut Problems) {
    for error in errors {
        let mut problem = to_problem(error, &template.source);
        if let Some(place) = &mut problem.place {
            place.span = template.locate(error.span());
        }
        problems.push(problem);
    }
}

/// Lists the templates in `folder` and below it, as paths relative to `root`. A folder that cannot
/// be read counts as empty.
fn list_templates(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // One more than the limit is enough: the caller takes no more, and a wrong folder may have
        // millions of files.
        if hidden || names.len() > TEMPLATES_MAX {
            continue;
        }
        // `file_type` is that of a link itself: links to folders are not followed, so that a cycle
        // of links ends.
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
    let display = path.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::new(Severity::Error, format!("cannot read the template `{display}`: {error}"))
    };
    let text = read_text_limited(&path, TEMPLATE_BYTES_MAX).map_err(|error| unreadable(&error))?;
    Ok(Source::new(&display, &text))
}
