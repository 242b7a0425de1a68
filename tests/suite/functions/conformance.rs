//! Each request of `tests/functions/cases.toml` against its answer in `answers.txt`.

use std::fmt::Write as _;
use std::path::Path;

use super::{TestProject, copy, has_node};
use crate::support::rig::{Reply, Rig};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/functions");

/// Header fields that depend on the moment or on the listener.
const LEFT_OUT: [&str; 5] = ["date", "content-length", "connection", "etag", "server"];

#[actix_web::test]
async fn every_request_gets_its_answer() {
    if !has_node() {
        return;
    }
    let project = TestProject::new("conformance", &[]);
    copy(&Path::new(FOLDER).join("project"), &project.0);
    std::fs::rename(project.0.join("dotenv"), project.0.join(".env")).unwrap();
    let rig = project.start("open = [\"/*\"]\nprocesses = 1", "");
    let cases: toml::Table =
        std::fs::read_to_string(format!("{FOLDER}/cases.toml")).unwrap().parse().unwrap();
    let mut answers = String::new();
    for case in cases["case"].as_array().unwrap() {
        let title = case["request"].as_str().unwrap();
        let reply = send(&rig, case).await;
        let _ = write!(answers, "== {title}\n{}", describe(&reply));
    }
    rig.end().await;
    let file = format!("{FOLDER}/answers.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &answers).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    for (found, expected) in answers.split("== ").zip(expected.split("== ")) {
        assert_eq!(found, expected, "UPDATE=1 writes {file}");
    }
    assert_eq!(answers, expected);
}

async fn send(rig: &Rig, case: &toml::Value) -> Reply {
    let text = |key: &str| case.get(key).and_then(toml::Value::as_str);
    let (body, content_type) = match (text("form"), text("json")) {
        (Some(form), _) => (form, "application/x-www-form-urlencoded"),
        (None, Some(json)) => (json, "application/json"),
        (None, None) => ("", ""),
    };
    let mut request = format!("{} HTTP/1.1\r\nHost: a\r\n", text("request").unwrap());
    for (name, value) in case.get("headers").and_then(toml::Value::as_table).into_iter().flatten() {
        let _ = write!(request, "{name}: {}\r\n", value.as_str().unwrap());
    }
    if !content_type.is_empty() {
        let length = body.len();
        let _ = write!(request, "Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
    }
    let _ = write!(request, "Connection: close\r\n\r\n{body}");
    rig.send(request.into_bytes()).await
}

fn describe(reply: &Reply) -> String {
    let mut text = format!("{}\n", reply.status);
    let mut fields: Vec<&str> = reply.head.lines().skip(1).collect();
    fields.retain(|line| LEFT_OUT.iter().all(|name| !line.starts_with(&format!("{name}:"))));
    fields.sort_unstable();
    fields.iter().for_each(|field| text += &format!("{field}\n"));
    format!("{text}\n{}\n\n", reply.body.trim_end())
}
