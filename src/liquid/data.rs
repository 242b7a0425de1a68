//! The data that templates read: a trait for its owner, so that nothing is copied.

use serde_json::{Map, Value as Json};

/// An object or a list whose members templates read.
///
/// A render reads only what the template names, one step of a path at a time, and borrows it. `{{
/// trigger.message.From }}` is `get("trigger")` on the root, `get("message")` on the object that it
/// returned, and `get("From")` on the next. The values must not change during a render.
pub trait TemplateData {
    /// The number of items of a list or keys of an object.
    fn len(&self) -> usize;

    /// Whether there are no items or keys.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a key of an object; `None` without such a key, and for a list.
    fn get(&self, key: &str) -> Option<ValueRef<'_>>;

    /// The item of a list at `index`, from 0; `None` past the end, and for an object.
    fn index(&self, index: usize) -> Option<ValueRef<'_>>;

    /// Calls `visit` with each key and value of an object in their order; never for a list.
    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>));
}

/// One value of the data, borrowed.
#[derive(Clone, Copy)]
pub enum ValueRef<'d> {
    /// Nothing: prints as an empty text and is false.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with more digits than [`ValueRef::Int`] or [`ValueRef::Float`] may have, as JSON
    /// writes it: the ids of some systems, and exact decimals.
    Digits(&'d str),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Str(&'d str),
    /// A list: the engine calls its `len` and `index`.
    Array(&'d dyn TemplateData),
    /// An object: the engine calls its `len`, `get` and `for_each`.
    Object(&'d dyn TemplateData),
}

// === impl ValueRef ===

impl<'d> From<&'d Json> for ValueRef<'d> {
    fn from(json: &'d Json) -> Self {
        match json {
            Json::Null => ValueRef::Nil,
            Json::Bool(value) => ValueRef::Bool(*value),
            Json::Number(number) => number_ref(number.as_str()),
            Json::String(text) => ValueRef::Str(text),
            Json::Array(_) => ValueRef::Array(json),
            Json::Object(map) => ValueRef::Object(map),
        }
    }
}

fn number_ref(text: &str) -> ValueRef<'_> {
    // A float has 15 decimal digits, which with a point or an exponent are 16 letters.
    const FLOAT_LETTERS: usize = 16;
    match text.parse() {
        // First: nearly all whole numbers fit.
        Ok(whole) => ValueRef::Int(whole),
        Err(_) if text.len() > FLOAT_LETTERS => ValueRef::Digits(text),
        Err(_) => text.parse().map_or(ValueRef::Nil, ValueRef::Float),
    }
}

// === impl TemplateData ===

impl TemplateData for Json {
    fn len(&self) -> usize {
        match self {
            Json::Array(items) => items.len(),
            Json::Object(map) => map.len(),
            // Scalars are never passed as `Array` or `Object`.
            _ => 0,
        }
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        Json::get(self, key).map(ValueRef::from)
    }

    fn index(&self, index: usize) -> Option<ValueRef<'_>> {
        Json::get(self, index).map(ValueRef::from)
    }

    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        if let Json::Object(map) = self {
            map.for_each(visit);
        }
    }
}

impl TemplateData for Map<String, Json> {
    fn len(&self) -> usize {
        Map::len(self)
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        Map::get(self, key).map(ValueRef::from)
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        for (key, value) in self {
            visit(key, ValueRef::from(value));
        }
    }
}
