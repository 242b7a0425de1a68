//! Which problems of the configuration `phone` and `text` print: those of what is asked for.

use super::commands::{folder, ran};

const ROUTES: &str = "\
[[account]]
sid = \"AC00000000000000000000000000000001\"
auth_tokens = [\"12345\"]
[route.\"/mine\"]
channel = \"voice\"
flow = \"mine.toml\"
[route.\"/other\"]
channel = \"voice\"
flow = \"other.toml\"
[route.\"/message\"]
channel = \"message\"
flow = \"mine.toml\"
";

fn flow(text: &str) -> String {
    format!(
        "[widget.Trigger]\ntype = \"trigger\"\non = {{ incomingCall = \"say\" }}\n\
         [widget.say]\ntype = \"say-play\"\nsay = \"{text}\"\non = {{ }}\n"
    )
}

#[test]
fn only_warnings_about_the_route_are_printed() {
    let folder = folder("warnings");
    let _ = std::fs::remove_dir_all(folder.join("templates"));
    std::fs::write(folder.join("config.toml"), ROUTES).unwrap();
    std::fs::write(folder.join("mine.toml"), flow("Mine.")).unwrap();
    std::fs::write(folder.join("other.toml"), flow("Other {{ typo.a }}{{ typo.a }}.")).unwrap();
    let (code, _, errors) = ran("warnings", &["phone", "/mine"], "");
    assert_eq!((code, errors.as_str()), (0, ""), "another route, and no folder of templates");
    let (code, _, errors) = ran("warnings", &["phone", "/other"], "");
    assert_eq!((code, errors.matches("nothing sets `typo`").count()), (0, 1), "{errors}");
    assert!(errors.contains("= also at other.toml:6:"), "{errors}");
    let (code, _, errors) = ran("warnings", &["text", "/message"], "");
    let wired = "of flow `/message` are wired to nothing";
    assert!(code == 0 && errors.contains(wired) && !errors.contains("typo"), "{errors}");
    // An error of any route keeps the gateway from starting; its warnings do not matter then.
    std::fs::write(folder.join("mine.toml"), "[widget.a]\n").unwrap();
    let (code, _, errors) = ran("warnings", &["phone", "/other"], "");
    assert!(code == 2 && errors.contains("error: ") && !errors.contains("typo"), "{errors}");
}

#[test]
fn an_error_of_the_system_is_whole() {
    let (_, printed, _) = ran("system-error", &["phone", "http://no-such-host.invalid/"], "");
    let reason = printed.split_once("was not found (").map_or("", |(_, reason)| reason);
    let reason = reason.split_once("); is it spelled right?").map_or("", |(reason, _)| reason);
    // The words differ among systems, and so do those without a network.
    let whole = ["Name or service not known", "Temporary failure in name resolution"];
    let is_whole = whole.iter().any(|words| reason.ends_with(words));
    assert!(is_whole || (!reason.is_empty() && reason.len() != 60), "{printed}");
}
