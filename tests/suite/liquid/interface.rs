//! What callers rely on besides the language: sharing, variables, partials, and limits.

use serde_json::json;
use twimlgate::liquid::{
    LiquidEngine, LiquidErrorKind, OutputFormat, PathStep, RenderLimits, Template,
};

fn compile(source: &str) -> Template {
    LiquidEngine::new(RenderLimits::default()).compile("t", source, OutputFormat::Xml).unwrap()
}

#[test]
fn one_template_serves_many_threads() {
    let template = compile("{% for i in (1..9) %}{{ i | times: n }} {% endfor %}");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let template = &template;
            scope.spawn(move || {
                let text = template.render(&json!({ "n": n }), 0).unwrap();
                let expected: String = (1..10).map(|i| format!("{} ", i * n)).collect();
                assert_eq!(text, expected);
            });
        }
    });
}

#[test]
fn after_an_error_the_next_render_is_whole() {
    let template = compile("{{ a | divided_by: b }}");
    let error = template.render(&json!({ "a": 6, "b": 0 }), 0).unwrap_err();
    assert_eq!((error.kind(), error.line(), error.column()), (LiquidErrorKind::Operation, 1, 8));
    assert_eq!(template.render(&json!({ "a": 6, "b": 3 }), 0).unwrap(), "2");
}

#[test]
fn variables_are_the_paths_of_the_data() {
    let template = compile(
        "{% assign own = widgets.a-b.items[0].name %}{{ own }}\
         {% for x in trigger['message'].parts %}{{ x.y }}{{ list[i] }}{% endfor %}",
    );
    let paths: Vec<Vec<PathStep>> =
        template.variables().into_iter().map(|use_| use_.path).collect();
    let key = |key: &str| PathStep::Key(key.to_owned());
    assert_eq!(
        paths,
        [
            vec![key("widgets"), key("a-b"), key("items"), PathStep::Index(0), key("name")],
            vec![key("trigger"), key("message"), key("parts")],
            vec![key("i")],
            vec![key("list"), PathStep::Computed],
        ]
    );
}

#[test]
fn a_template_without_tags_is_constant() {
    assert_eq!(compile("<Hangup/>").constant_text(), Some("<Hangup/>"));
    assert_eq!(compile("").constant_text(), Some(""));
    assert_eq!(compile("{{ a }}").constant_text(), None);
}

#[test]
fn missing_partials_are_found_when_the_set_is_closed() {
    let mut engine = LiquidEngine::new(RenderLimits::default());
    engine.add_partial("menu", "{% render 'manu' %}").unwrap();
    let errors = engine.close_partials().unwrap_err();
    let expected = "missing partial: there is no partial of that name (in menu:1:12)\n  |\n\
                    1 | {% render 'manu' %}\n  |            ^^^^ did you mean `menu`?";
    assert_eq!(format!("{:#}", errors[0]), expected);
    let errors = engine.compile("t", "{% include 'menu' %}{% include 'x' %}", OutputFormat::Plain);
    assert_eq!(errors.unwrap_err()[0].kind(), LiquidErrorKind::MissingPartial);
}

#[test]
fn numbers_of_errors_are_bounded() {
    let source = "{{ a | nope }}".repeat(10_000);
    let errors = LiquidEngine::new(RenderLimits::default())
        .compile("t", &source, OutputFormat::Plain)
        .unwrap_err();
    assert_eq!(errors.len(), 50);
}
