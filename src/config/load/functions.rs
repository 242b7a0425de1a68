//! `[functions]`: a folder of Twilio Functions.

use toml::de::DeTable;

use super::milliseconds;
use crate::config::ProjectSection;
use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable};
use crate::secret::Secret;

pub(super) fn read_project(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
) -> Option<ProjectSection> {
    let section = reader.section("functions", "functions", file.get("functions"));
    let folder = section.set_text(reader, "folder");
    let open = section.list(reader, "open");
    let env = section.map(reader, "env");
    let node = section.text(reader, "node");
    let processes = section.integer(reader, "processes");
    let memory_mb = section.integer(reader, "memory_mb");
    let timeout = section.integer(reader, "timeout_ms");
    let sandbox = section.text(reader, "sandbox");
    let console = section.text(reader, "console");
    let watch = section.bool(reader, "watch");
    report_wrong_paths(reader, &section, &open);
    // Every key was read before the first `?`, so that each mistake is reported.
    Some(ProjectSection {
        folder: folder.map(|folder| reader.config_text(folder)),
        open: open.into_iter().map(|path| reader.config_text(path)).collect(),
        env: env.into_iter().map(|(name, value)| (name, Secret::new(value.value))).collect(),
        node: reader.config_text(node?),
        processes: processes?.value as usize,
        memory_mb: memory_mb?.value.unsigned_abs(),
        timeout: milliseconds(timeout?.value),
        sandbox: sandbox?.value == "on",
        console: console?.value == "on",
        watch: watch?,
    })
}

fn report_wrong_paths(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    open: &[Spanned<String>],
) {
    for path in open {
        // A star in the middle would look as if it meant something.
        let fixed = path.value.strip_suffix('*').unwrap_or(&path.value);
        if !fixed.starts_with('/') || fixed.contains(['*', '?', '#']) {
            let problem = section.wrong(&reader.source, "open", path);
            reader.report(
                problem
                    .expected("a path that begins with `/`")
                    .help("`/token` is one function; `/api/*` are all below `/api/`"),
            );
        }
    }
}
