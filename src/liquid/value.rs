//! The values that a render computes with: borrowed from the data and the template, or counted.

use std::cell::Cell;
use std::rc::Rc;

use super::data::{Data, ValueRef};

/// A value during one render. Cloning one never copies text or items.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Text of the data or of the template.
    Str(&'a str),
    /// Text that the render built.
    Text(Rc<str>),
    /// Text that is XML already and is not escaped again.
    Safe(Rc<str>),
    /// A list of the data.
    Array(&'a dyn Data),
    /// An object of the data.
    Object(&'a dyn Data),
    /// A list that the render built.
    List(Rc<Vec<Value<'a>>>),
    /// Whole numbers from the first to the last, both included.
    Range(i64, i64),
    /// `forloop` or `tablerowloop`.
    Loop(Rc<Loop<'a>>),
    /// The word `empty`.
    Empty,
    /// The word `blank`.
    Blank,
}

/// A key that means something where there is no member of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Size,
    First,
    Last,
}

/// How far a loop is.
pub(super) struct Loop<'a> {
    pub(super) name: &'a str,
    pub(super) length: usize,
    pub(super) index: Cell<usize>,
    pub(super) parent: Option<Rc<Loop<'a>>>,
    /// The number of columns, in a `tablerow`.
    pub(super) columns: Option<i128>,
}

/// How deep values are followed. Lists that a render builds nest no deeper than the data.
const DEPTH_MAX: u32 = 128;

// === impl Value ===

impl<'a> From<ValueRef<'a>> for Value<'a> {
    #[inline]
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Nil => Value::Nil,
            ValueRef::Bool(value) => Value::Bool(value),
            ValueRef::Int(value) => Value::Int(i128::from(value)),
            ValueRef::Large(value) => Value::Int(i128::from(value)),
            ValueRef::Float(value) => Value::Float(value),
            ValueRef::Str(text) => Value::Str(text),
            ValueRef::Array(data) => Value::Array(data),
            ValueRef::Object(data) => Value::Object(data),
        }
    }
}

impl<'a> Value<'a> {
    /// Text that the render built.
    pub(super) fn text(text: String) -> Self {
        Value::Text(text.into())
    }

    /// A list that the render built.
    pub(super) fn list(items: Vec<Value<'a>>) -> Self {
        Value::List(Rc::new(items))
    }

    /// A length as a value.
    pub(super) fn count(count: usize) -> Self {
        Value::Int(count as i128)
    }

    /// Whether it is nothing.
    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Whether it counts as true: everything but `nil` and `false`.
    pub(super) fn is_truthy(&self) -> bool {
        !matches!(self, Value::Nil | Value::Bool(false))
    }

    /// The text, if it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            Value::Text(text) | Value::Safe(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a list or a text without content, or an object without keys.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Value::Array(data) | Value::Object(data) => data.len() == 0,
            Value::List(items) => items.is_empty(),
            Value::Range(first, last) => first > last,
            _ => self.as_str().is_some_and(str::is_empty),
        }
    }

    /// Whether there is nothing to see in it: `nil`, `false`, empty, or white space only.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Value::Nil | Value::Bool(false) => true,
            _ => match self.as_str() {
                Some(text) => text.trim().is_empty(),
                None => self.is_empty(),
            },
        }
    }

    /// What `.key` means.
    #[inline]
    pub(super) fn member(&self, key: &str, command: Option<Command>) -> Value<'a> {
        let found = match self {
            Value::Object(data) => data.get(key).map(Value::from),
            Value::Loop(state) => Some(state.get(key)),
            _ => None,
        };
        match (found, command) {
            (Some(value), _) => value,
            (None, Some(command)) => self.command(command),
            (None, None) => Value::Nil,
        }
    }

    /// What `[key]` means: a member of an object, or an item of a list counted from either end.
    pub(super) fn item(&self, key: &Value<'a>) -> Value<'a> {
        match (self, key) {
            (Value::Array(_) | Value::List(_), Value::Int(index)) => {
                let length = self.length().unwrap_or_default() as i128;
                let index = if *index < 0 { index.saturating_add(length) } else { *index };
                usize::try_from(index).map_or(Value::Nil, |index| self.at(index))
            }
            (Value::Object(_) | Value::Loop(_), key) => match key.as_str() {
                Some(key) => self.member(key, None),
                None => Value::Nil,
            },
            _ => Value::Nil,
        }
    }

    /// The item of a list at `index`; `nil` past its end.
    pub(super) fn at(&self, index: usize) -> Value<'a> {
        match self {
            Value::Array(data) => data.index(index).map_or(Value::Nil, Value::from),
            Value::List(items) => items.get(index).cloned().unwrap_or(Value::Nil),
            Value::Range(first, last) => match i64::try_from(index) {
                Ok(index) if index <= last.saturating_sub(*first) && first <= last => {
                    Value::Int(i128::from(first + index))
                }
                _ => Value::Nil,
            },
            _ => Value::Nil,
        }
    }

    /// The number of items of a list, keys of an object, or characters of a text.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Value::Array(data) | Value::Object(data) => Some(data.len()),
            Value::List(items) => Some(items.len()),
            Value::Range(first, last) if first > last => Some(0),
            Value::Range(first, last) => {
                let length = i128::from(*last) - i128::from(*first) + 1;
                Some(usize::try_from(length).unwrap_or(usize::MAX))
            }
            _ => self.as_str().map(|text| text.chars().count()),
        }
    }

    /// What `.size`, `.first` and `.last` mean where no member has that name.
    pub(super) fn command(&self, command: Command) -> Value<'a> {
        match command {
            Command::Size => self.size(),
            Command::First => self.first(),
            Command::Last => self.last(),
        }
    }

    /// The `size`. A whole number has one too: Ruby's answers that it takes 8 bytes.
    pub(super) fn size(&self) -> Value<'a> {
        match (self, self.length()) {
            (_, Some(length)) => Value::count(length),
            (Value::Int(_), None) => Value::Int(8),
            _ => Value::Nil,
        }
    }

    /// The first item, character, or pair of key and value.
    pub(super) fn first(&self) -> Value<'a> {
        match self {
            Value::Object(data) => {
                let mut pair = None;
                data.each(&mut |key, value| {
                    pair.get_or_insert_with(|| vec![Value::Str(key), Value::from(value)]);
                });
                pair.map_or(Value::Nil, Value::list)
            }
            _ => match self.as_str() {
                Some(text) => character(text.chars().next()),
                None => self.at(0),
            },
        }
    }

    /// The last item or character.
    pub(super) fn last(&self) -> Value<'a> {
        match self.as_str() {
            Some(text) => character(text.chars().next_back()),
            None => match (self, self.length()) {
                (Value::Object(_), _) | (_, None | Some(0)) => Value::Nil,
                (_, Some(length)) => self.at(length - 1),
            },
        }
    }

    /// The pairs of key and value of an object.
    pub(super) fn pairs(data: &'a dyn Data) -> Vec<Value<'a>> {
        let mut pairs = Vec::with_capacity(data.len());
        data.each(&mut |key, value| {
            pairs.push(Value::list(vec![Value::Str(key), Value::from(value)]));
        });
        pairs
    }

    /// Whether the two are equal as `==` means it. Numbers are equal whatever their kind.
    pub(super) fn equals(&self, other: &Value<'a>) -> bool {
        equal(self, other, DEPTH_MAX)
    }
}

fn character<'a>(character: Option<char>) -> Value<'a> {
    character.map_or(Value::Str(""), |character| Value::text(character.to_string()))
}

fn equal<'a>(left: &Value<'a>, right: &Value<'a>, depth: u32) -> bool {
    match (left, right) {
        (Value::Blank, Value::Blank) | (Value::Empty, Value::Empty) => true,
        (Value::Blank, other) | (other, Value::Blank) => other.is_blank(),
        (Value::Empty, other) | (other, Value::Empty) => other.is_empty(),
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Int(whole), Value::Float(float)) | (Value::Float(float), Value::Int(whole)) => {
            *whole as f64 == *float
        }
        (Value::Range(..), Value::Range(..)) => {
            matches!((left, right), (Value::Range(a, b), Value::Range(c, d)) if a == c && b == d)
        }
        (Value::Array(_) | Value::List(_), Value::Array(_) | Value::List(_)) => {
            lists_equal(left, right, depth)
        }
        (Value::Object(left), Value::Object(right)) => objects_equal(*left, *right, depth),
        (Value::Loop(left), Value::Loop(right)) => Rc::ptr_eq(left, right),
        _ => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

fn lists_equal<'a>(left: &Value<'a>, right: &Value<'a>, depth: u32) -> bool {
    let (Some(length), Some(other), Some(depth)) =
        (left.length(), right.length(), depth.checked_sub(1))
    else {
        return false;
    };
    length == other && (0..length).all(|index| equal(&left.at(index), &right.at(index), depth))
}

fn objects_equal(left: &dyn Data, right: &dyn Data, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let mut same = left.len() == right.len();
    left.each(&mut |key, value| {
        same =
            same && right.get(key).is_some_and(|other| equal(&value.into(), &other.into(), depth));
    });
    same
}

// === impl Loop ===

impl<'a> Loop<'a> {
    /// What the loop tells about itself under `key`.
    fn get(&self, key: &str) -> Value<'a> {
        let index = self.index.get();
        match key {
            "index" => Value::count(index + 1),
            "index0" => Value::count(index),
            "rindex" => Value::count(self.length.saturating_sub(index)),
            "rindex0" => Value::count(self.length.saturating_sub(index + 1)),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(index + 1 == self.length),
            "length" => Value::count(self.length),
            _ => match self.columns {
                Some(columns) => self.cell(key, index as i128, columns),
                None => self.names(key),
            },
        }
    }

    fn names(&self, key: &str) -> Value<'a> {
        match key {
            "name" => Value::Str(self.name),
            "parentloop" => self.parent.clone().map_or(Value::Nil, Value::Loop),
            _ => Value::Nil,
        }
    }

    /// Where in its table the round is.
    fn cell(&self, key: &str, index: i128, columns: i128) -> Value<'a> {
        let (row, column) = position(index, columns);
        match key {
            "row" => Value::Int(row + 1),
            "col" => Value::Int(column + 1),
            "col0" => Value::Int(column),
            "col_first" => Value::Bool(column == 0),
            "col_last" => Value::Bool(column + 1 == columns),
            _ => Value::Nil,
        }
    }
}

/// The row and column, from 0, of the cell at `index`. A table of no columns has one endless row.
pub(super) fn position(index: i128, columns: i128) -> (i128, i128) {
    if columns > 0 { (index / columns, index % columns) } else { (0, index) }
}
