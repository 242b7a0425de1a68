//! Templates and data that mean harm: each ends in an error with its place, or a small text.

use serde_json::{Value, json};
use twimlgate::liquid::{LiquidEngine, LiquidErrorKind, OutputFormat, RenderLimits};

/// What a template comes to in the mode that escapes, or its first error in one line.
fn outcome(source: &str, data: &Value) -> Result<String, String> {
    let mut engine = LiquidEngine::new(RenderLimits::default());
    let partials = [
        ("itself", "{% include 'itself' %}"),
        ("ping", "{% render 'pong' %}"),
        ("pong", "{% render 'ping' %}"),
        ("twice", "{% include 'twice' %}{% include 'twice' %}"),
        (
            "deep",
            "{% if true %}{% if true %}{% if true %}{% if true %}{% if true %}\
                  {% include 'deep' %}{% endif %}{% endif %}{% endif %}{% endif %}{% endif %}",
        ),
        ("fan", "{% for i in (1..1000) %}{% include 'fan' %}{% endfor %}"),
    ];
    for (name, source) in partials {
        engine.add_partial(name, source).unwrap();
    }
    let template = match engine.compile("t", source, OutputFormat::Xml) {
        Ok(template) => template,
        Err(errors) => {
            for error in &errors {
                assert!(source.get(error.span()).is_some() && format!("{error:#}").len() < 2_000);
            }
            return Err(errors[0].to_string());
        }
    };
    template.render(data, 0).map_err(|error| error.to_string())
}

#[track_caller]
fn fails(source: &str, data: Value, expected: &str) {
    assert_eq!(outcome(source, &data).map(|text| text.len()), Err(expected.to_owned()));
}

#[track_caller]
fn gives(source: &str, data: Value, expected: &str) {
    assert_eq!(outcome(source, &data).as_deref(), Ok(expected));
}

const STEPS: &str = "limit reached: the template takes too many steps";
const VALUES: &str = "limit reached: the values that the template builds are too large";
const OUTPUT: &str = "limit reached: the output is longer than 262144 bytes";
const BLOCKS: &str = "limit reached: more than 64 nested blocks";
const PARTIALS: &str = "limit reached: more than 16 nested partials";

fn at(what: &str, place: &str) -> String {
    format!("{what} (in {place})")
}

/// The templates that other engines aborted, hung or ran out of memory on.
#[test]
fn the_known_ones_end() {
    fails("{% include 'itself' %}", json!({}), &at(PARTIALS, "itself:1:1"));
    let ifs = "{% if true %}".repeat(20_000) + &"{% endif %}".repeat(20_000);
    fails(&ifs, json!({}), &at(BLOCKS, "t:1:833"));
    fails("{% for i in (1..4000000000) %}x{% endfor %}", json!({}), &at(STEPS, "t:1:31"));
    let loops = "{% for a in (1..99999) %}{% for b in (1..99999) %}{% for c in (1..99999) %}\
                 {% endfor %}{% endfor %}{% endfor %}";
    fails(loops, json!({}), &at(STEPS, "t:1:51"));
    gives("{{ 99999999999999999999 }}", json!({}), "99999999999999999999");
    let doubling = "{% assign x = 'ab' %}{% for i in (1..1000) %}\
                    {% assign x = x | append: x %}{% endfor %}";
    fails(doubling, json!({}), &at(VALUES, "t:1:64"));
    fails("{{ x ~ x }}", json!({}), {
        "syntax error: expected `|` and a filter, or the end of the tag, found `~` (in t:1:6)"
    });
    fails(&format!("{{{{ {}1 }}}}", "-".repeat(50_000)), json!({}), {
        "syntax error: expected a value, found `-` (in t:1:4)"
    });
    let filters = format!("{{{{ -5{} }}}}", " | abs".repeat(50_000));
    gives(&filters, json!({}), "5");
    let nested: Value = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    gives("{{ a }}", json!({ "a": nested }), "x");
}

#[test]
fn partials_end() {
    fails("{% render 'ping' %}", json!({}), &at(PARTIALS, "pong:1:1"));
    fails("{% include 'twice' %}", json!({}), &at(PARTIALS, "twice:1:1"));
    fails("{% include 'deep' %}", json!({}), &at(BLOCKS, "deep:1:40"));
    fails("{% include 'fan' %}", json!({}), &at(PARTIALS, "fan:1:25"));
    let name = json!({ "name": "x".repeat(100_000) });
    let missing = "missing partial: there is no partial of that name (in t:1:1)";
    fails("{% include name %}", name, missing);
}

#[test]
fn loops_and_lists_end() {
    let many = json!({ "list": vec![1; 1_000], "text": "x".repeat(100_000) });
    let nested = "{% for a in list %}{% for b in list %}{{ b }}{% endfor %}{% endfor %}";
    fails(nested, many.clone(), &at(STEPS, "t:1:39"));
    let concat = "{% for i in (1..99) %}{% assign list = list | concat: list %}{% endfor %}";
    fails(concat, many.clone(), &at(VALUES, "t:1:47"));
    let split = "{% for i in list %}{{ text | split: '' | size }}{% endfor %}";
    fails(split, many.clone(), &at(VALUES, "t:1:30"));
    let sort = "{% for i in list %}{% assign x = list | sort | uniq | reverse %}{% endfor %}";
    let error = outcome(sort, &many).unwrap_err();
    assert!(error.starts_with("limit reached: "), "{error}");
    let table = "{% tablerow i in (1..999999) cols: 1 %}{% endtablerow %}";
    fails(table, json!({}), &at(OUTPUT, "t:1:1"));
    let range = "{{ (-9223372036854775807..9223372036854775807) | size }}";
    gives(range, json!({}), "18446744073709551615");
    fails("{{ (1..99999999) | join: '' }}", json!({}), &at(STEPS, "t:1:20"));
    fails("{{ (1..99999999) | reverse | first }}", json!({}), &at(STEPS, "t:1:20"));
    fails("{{ (0..9999999999999999999) }}", json!({}), {
        "impossible operation: an end of the range is too far from zero (in t:1:4)"
    });
    let offsets = "{% for i in (1..3) limit: 9223372036854775807 offset: -9223372036854775807 %}\
                   {{ i }}{% endfor %}";
    assert!(outcome(offsets, &json!({})).is_ok_and(|text| text.len() <= 3));
}

#[test]
fn texts_end() {
    let text = json!({ "text": "&".repeat(60_000), "x": "x".repeat(3_000) });
    fails("{{ text }}", text.clone(), &at(OUTPUT, "t:1:1"));
    let replace = "{{ x | replace: 'x', x }}";
    fails(replace, text.clone(), &at(VALUES, "t:1:8"));
    fails("{{ x | replace: '', x }}", text.clone(), &at(VALUES, "t:1:8"));
    let truncate = "{{ 'a' | truncate: 9223372036854775807 }}{{ 'a' | truncate: -5, '' }}";
    assert!(outcome(truncate, &text).is_ok_and(|text| text.len() <= 2));
    let slice = "{{ 'abc' | slice: -9223372036854775807, 9223372036854775807 }}";
    gives(slice, json!({}), "");
    let capture =
        "{% for i in (1..9999) %}{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}";
    fails(capture, text.clone(), &at(VALUES, "t:1:40"));
    let changed =
        "{% for i in (1..9999) %}{% ifchanged %}{{ text }}{{ i }}{% endifchanged %}{% endfor %}";
    let error = outcome(changed, &text).unwrap_err();
    assert!(error.starts_with("limit reached: "), "{error}");
    let date = format!("{{{{ 0 | date: '{}' }}}}", "%999999999Y".repeat(1_000));
    assert!(outcome(&date, &json!({})).map_or_else(|_| 0, |text| text.len()) < 262_145);
    let read = "{% for i in (1..99999) %}{{ text | size }}{% endfor %}";
    let error = outcome(read, &json!({ "text": "é".repeat(200_000) })).unwrap_err();
    assert!(error.starts_with("limit reached: "), "{error}");
}

#[test]
fn numbers_end() {
    let huge = "9".repeat(5_000);
    assert!(outcome(&format!("{{{{ {huge} | times: {huge} | plus: 1 }}}}"), &json!({})).is_ok());
    let power = "{% assign x = 9223372036854775807 %}{% for i in (1..1000) %}\
                 {% assign x = x | times: x %}{% endfor %}{{ x }}";
    assert!(outcome(power, &json!({})).is_ok_and(|text| text.len() < 100));
    fails("{{ 1 | divided_by: 0 }}", json!({}), {
        "impossible operation: divided by 0 (in t:1:8)"
    });
    fails("{{ 1 | modulo: x }}", json!({ "x": "zero" }), {
        "impossible operation: divided by 0 (in t:1:8)"
    });
    gives("{{ x | minus: 1 }}", json!({ "x": i64::MIN }), "-9223372036854775809");
    gives("{{ x | abs }}", json!({ "x": i64::MIN }), "9223372036854775808");
    assert!(outcome("{{ 1.5 | round: 999999999999 }}", &json!({})).is_ok_and(|it| it.len() < 400));
    fails("{{ x | round: -300 }}", json!({ "x": 1e300 }), {
        "impossible operation: the number is too large to be rounded (in t:1:8)"
    });
    for moment in ["99999999999999999999", "-99999999999999", "1e308"] {
        let _ = outcome("{{ x | date: '%F %s' }}", &json!({ "x": moment }));
        let _ = outcome(&format!("{{{{ {moment} | date: '%F %s' }}}}"), &json!({}));
    }
}

#[test]
fn syntax_ends() {
    fails(&"{{".repeat(50_000), json!({}), "syntax error: `{{` is never closed (in t:1:1)");
    fails(&"{%".repeat(50_000), json!({}), "syntax error: `{%` is never closed (in t:1:1)");
    let brackets = format!("{{{{ a{}{} }}}}", "[a".repeat(20_000), "]".repeat(20_000));
    fails(&brackets, json!({}), "limit reached: too many nested brackets (in t:1:134)");
    let ranges = format!("{{{{ {}1 }}}}", "(".repeat(20_000));
    fails(&ranges, json!({}), "limit reached: too many nested brackets (in t:1:68)");
    let path = format!("{{{{ a{} }}}}", ".a".repeat(50_000));
    gives(&path, json!({ "a": 1 }), "");
    let condition = format!("{{% if a{} %}}y{{% endif %}}", " or a".repeat(50_000));
    gives(&condition, json!({}), "");
    let comments = "{% comment %}".repeat(20_000);
    fails(&comments, json!({}), "syntax error: `comment` is never closed (in t:1:1)");
    let liquid = "{% liquid\n".to_owned() + &"if a\n".repeat(20_000) + "%}";
    fails(&liquid, json!({}), &at(BLOCKS, "t:65:1"));
    let long = "x".repeat((1 << 20) + 1);
    fails(&long, json!({}), {
        "limit reached: the source is longer than 1048576 bytes (in t:1:1)"
    });
    let names: String = (0..9_000).map(|i| format!("{{% assign a{i} = 1 %}}{{{{ b }}}}")).collect();
    let error = outcome(&names, &json!({})).unwrap_err();
    assert!(error.starts_with(STEPS), "{error}");
}

/// Every prefix of a template with all sorts of markup compiles, or says where it does not.
#[test]
fn cut_templates_end() {
    let source = "{% if a contains 'é' %}{{- b.c[0]['d'] | date: \"%H\", timezone: 'UTC' -}}\
                  {% for i in (1..a) reversed limit: 2 %}{% cycle 'x': 1, 2 %}{% endfor %}\
                  {% raw %}{{{% endraw %}{% liquid\n echo a\n%}{% endif %}";
    for (end, _) in source.char_indices() {
        let _ = outcome(&source[..end], &json!({ "a": 3 }));
        let _ = outcome(&source[end..], &json!({ "a": 3 }));
    }
}

#[test]
fn errors_never_show_data() {
    let secret = json!({ "s": "s3cret", "o": { "s3cret": 1 } });
    for source in [
        "{{ s | divided_by: 0 }}",
        "{% include s %}",
        "{{ 1 | date: s, timezone: s }}",
        "{{ s | base64_decode }}",
        "{% if s < 1 %}{% endif %}",
        "{{ s | sort: s | sum: s }}",
        "{{ o | where: 1, s }}",
        "{% for i in (s..99999999999) %}{% endfor %}",
    ] {
        if let Err(error) = outcome(source, &secret) {
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}

#[test]
fn a_data_source_without_end_has_one() {
    use twimlgate::liquid::{TemplateData, ValueRef};
    struct Endless;
    impl TemplateData for Endless {
        fn len(&self) -> usize {
            usize::MAX
        }
        fn get(&self, key: &str) -> Option<ValueRef<'_>> {
            Some(if key == "list" { ValueRef::Array(self) } else { ValueRef::Object(self) })
        }
        fn index(&self, _: usize) -> Option<ValueRef<'_>> {
            Some(ValueRef::Array(self))
        }
        fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
            visit("again", ValueRef::Object(self));
        }
    }
    let engine = LiquidEngine::new(RenderLimits::default());
    let sources = [
        "{{ a }}",
        "{{ a | to_json }}",
        "{{ a.list }}",
        "{{ a.list | join }}",
        { "{% for x in a.list %}{{ x }}{% endfor %}" },
        "{{ a.list | sort | uniq }}",
        "{% if a == a %}{% endif %}",
        "{{ a.list | concat: a.list | size }}",
    ];
    for source in sources {
        let template = engine.compile("t", source, OutputFormat::Plain).unwrap();
        match template.render(&Endless, 0) {
            Ok(text) => assert!(text.len() <= RenderLimits::default().output_bytes),
            Err(error) => {
                assert!(
                    matches!(error.kind(), LiquidErrorKind::Limit | LiquidErrorKind::Operation),
                    "{error}"
                );
            }
        }
    }
}
