//! The values that a render computes with: borrowed from data and template, or reference-counted.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::data::{TemplateData, ValueRef};
use super::number::{compare_numbers, parse_number};

/// A value during one render. A clone never copies text or items.
#[derive(Clone)]
pub(super) enum LiquidValue<'a> {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// A fraction of the data with more digits than a float has, as JSON writes it.
    Decimal(&'a str),
    /// Text of the data or of the template.
    Str(&'a str),
    /// Text that the render built.
    Text(Rc<str>),
    /// Text that is XML already and is not escaped again.
    Safe(Rc<str>),
    /// A list of the data.
    Array(&'a dyn TemplateData),
    /// An object of the data.
    Object(&'a dyn TemplateData),
    /// A list that the render built.
    List(Rc<Vec<LiquidValue<'a>>>),
    /// Whole numbers from the first to the last, both included.
    Range(i64, i64),
    /// `forloop` or `tablerowloop`.
    Loop(Rc<LoopDrop<'a>>),
    /// The word `empty`.
    Empty,
    /// The word `blank`.
    Blank,
}

/// A method of lists and texts, which a member of the same name hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandMethod {
    Size,
    First,
    Last,
}

/// The state of a loop: the object `forloop` or `tablerowloop`.
pub(super) struct LoopDrop<'a> {
    pub(super) name: &'a str,
    pub(super) length: usize,
    pub(super) index: Cell<usize>,
    pub(super) parent: Option<Rc<LoopDrop<'a>>>,
    /// The number of columns, in a `tablerow`.
    pub(super) columns: Option<i128>,
}

/// Levels of nested values that are compared: data without end must not overflow the stack.
const DEPTH_MAX: u32 = 128;

// === impl LiquidValue ===

impl<'a> From<ValueRef<'a>> for LiquidValue<'a> {
    #[inline]
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Nil => LiquidValue::Nil,
            ValueRef::Bool(value) => LiquidValue::Bool(value),
            ValueRef::Int(value) => LiquidValue::Int(i128::from(value)),
            ValueRef::Digits(text) => parse_number(text),
            ValueRef::Float(value) => LiquidValue::Float(value),
            ValueRef::Str(text) => LiquidValue::Str(text),
            ValueRef::Array(data) => LiquidValue::Array(data),
            ValueRef::Object(data) => LiquidValue::Object(data),
        }
    }
}

impl<'a> LiquidValue<'a> {
    /// Text that the render built.
    pub(super) fn from_text(text: String) -> Self {
        LiquidValue::Text(text.into())
    }

    /// A list that the render built.
    pub(super) fn from_items(items: Vec<LiquidValue<'a>>) -> Self {
        LiquidValue::List(Rc::new(items))
    }

    /// A length as a value.
    pub(super) fn from_count(count: usize) -> Self {
        LiquidValue::Int(count as i128)
    }

    /// Whether it is nothing.
    pub(super) fn is_nil(&self) -> bool {
        matches!(self, LiquidValue::Nil)
    }

    /// Whether it counts as true: everything but `nil` and `false`.
    pub(super) fn is_truthy(&self) -> bool {
        !matches!(self, LiquidValue::Nil | LiquidValue::Bool(false))
    }

    /// The text, if it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            LiquidValue::Str(text) => Some(text),
            LiquidValue::Text(text) | LiquidValue::Safe(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a list or a text without content, or an object without keys.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            LiquidValue::Array(data) | LiquidValue::Object(data) => data.len() == 0,
            LiquidValue::List(items) => items.is_empty(),
            LiquidValue::Range(first, last) => first > last,
            _ => self.as_str().is_some_and(str::is_empty),
        }
    }

    /// Whether it is `blank`: `nil`, `false`, empty, or white space only.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            LiquidValue::Nil | LiquidValue::Bool(false) => true,
            _ => match self.as_str() {
                Some(text) => text.trim().is_empty(),
                None => self.is_empty(),
            },
        }
    }

    /// The value of `.key`.
    #[inline]
    pub(super) fn member(&self, key: &str, command: Option<CommandMethod>) -> LiquidValue<'a> {
        let found = match self {
            LiquidValue::Object(data) => data.get(key).map(LiquidValue::from),
            LiquidValue::Loop(state) => Some(state.get(key)),
            _ => None,
        };
        match (found, command) {
            (Some(value), _) => value,
            // A member named `size` or `first` comes first, as in Ruby.
            (None, Some(command)) => self.apply_command(command),
            (None, None) => LiquidValue::Nil,
        }
    }

    /// The value of `[key]`: a member of an object, or an item of a list counted from either end.
    pub(super) fn subscript(&self, key: &LiquidValue<'a>) -> LiquidValue<'a> {
        match (self, key) {
            (LiquidValue::Array(_) | LiquidValue::List(_), LiquidValue::Int(index)) => {
                let length = self.length().unwrap_or_default() as i128;
                // Negative indexes count from the end.
                let index = if *index < 0 { index.saturating_add(length) } else { *index };
                usize::try_from(index).map_or(LiquidValue::Nil, |index| self.item_at(index))
            }
            // As in JavaScript, where the members of an object are named by texts alone.
            (LiquidValue::Object(_), LiquidValue::Int(index)) => {
                self.member(&index.to_string(), None)
            }
            (LiquidValue::Object(_) | LiquidValue::Loop(_), key) => match key.as_str() {
                Some(key) => self.member(key, None),
                None => LiquidValue::Nil,
            },
            _ => LiquidValue::Nil,
        }
    }

    /// The item of a list at `index`; `nil` past its end.
    pub(super) fn item_at(&self, index: usize) -> LiquidValue<'a> {
        match self {
            LiquidValue::Array(data) => {
                data.index(index).map_or(LiquidValue::Nil, LiquidValue::from)
            }
            LiquidValue::List(items) => items.get(index).cloned().unwrap_or(LiquidValue::Nil),
            LiquidValue::Range(first, last) => match i64::try_from(index) {
                Ok(index) if index <= last.saturating_sub(*first) && first <= last => {
                    LiquidValue::Int(i128::from(first + index))
                }
                _ => LiquidValue::Nil,
            },
            _ => LiquidValue::Nil,
        }
    }

    /// The number of items of a list, keys of an object, or characters of a text.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            LiquidValue::Array(data) | LiquidValue::Object(data) => Some(data.len()),
            LiquidValue::List(items) => Some(items.len()),
            // A range that runs backwards is empty.
            LiquidValue::Range(first, last) if first > last => Some(0),
            LiquidValue::Range(first, last) => {
                // In `i128`: the ends may be those of `i64`.
                let length = i128::from(*last) - i128::from(*first) + 1;
                Some(usize::try_from(length).unwrap_or(usize::MAX))
            }
            _ => self.as_str().map(|text| text.chars().count()),
        }
    }

    /// The value of `.size`, `.first` and `.last` where no member has that name.
    pub(super) fn apply_command(&self, command: CommandMethod) -> LiquidValue<'a> {
        match command {
            CommandMethod::Size => self.size(),
            CommandMethod::First => self.first(),
            CommandMethod::Last => self.last(),
        }
    }

    /// The `size`. A whole number has one, too: Ruby's `Integer#size` is 8 bytes.
    pub(super) fn size(&self) -> LiquidValue<'a> {
        match (self, self.length()) {
            (_, Some(length)) => LiquidValue::from_count(length),
            (LiquidValue::Int(_), None) => LiquidValue::Int(8),
            _ => LiquidValue::Nil,
        }
    }

    /// The first item, character, or pair of key and value.
    pub(super) fn first(&self) -> LiquidValue<'a> {
        match self {
            LiquidValue::Object(data) => {
                let mut pair = None;
                data.for_each(&mut |key, value| {
                    pair.get_or_insert_with(|| {
                        vec![LiquidValue::Str(key), LiquidValue::from(value)]
                    });
                });
                pair.map_or(LiquidValue::Nil, LiquidValue::from_items)
            }
            _ => match self.as_str() {
                Some(text) => character_value(text.chars().next()),
                None => self.item_at(0),
            },
        }
    }

    /// The last item or character.
    pub(super) fn last(&self) -> LiquidValue<'a> {
        match self.as_str() {
            Some(text) => character_value(text.chars().next_back()),
            None => match (self, self.length()) {
                // Ruby's hashes have a first entry, and no last one.
                (LiquidValue::Object(_), _) | (_, None | Some(0)) => LiquidValue::Nil,
                (_, Some(length)) => self.item_at(length - 1),
            },
        }
    }

    /// The pairs of key and value of an object.
    pub(super) fn object_pairs(data: &'a dyn TemplateData) -> Vec<LiquidValue<'a>> {
        let mut pairs = Vec::with_capacity(data.len());
        data.for_each(&mut |key, value| {
            pairs.push(LiquidValue::from_items(vec![
                LiquidValue::Str(key),
                LiquidValue::from(value),
            ]));
        });
        pairs
    }

    /// Whether the values are equal by `==`: numbers by value, of whatever type.
    pub(super) fn equals(&self, other: &LiquidValue<'a>) -> bool {
        are_equal(self, other, DEPTH_MAX)
    }
}

fn character_value<'a>(character: Option<char>) -> LiquidValue<'a> {
    character
        .map_or(LiquidValue::Str(""), |character| LiquidValue::from_text(character.to_string()))
}

fn are_equal<'a>(left: &LiquidValue<'a>, right: &LiquidValue<'a>, depth: u32) -> bool {
    match (left, right) {
        (LiquidValue::Blank, LiquidValue::Blank) | (LiquidValue::Empty, LiquidValue::Empty) => true,
        // `x == blank` and `x == empty` are predicates, not comparisons.
        (LiquidValue::Blank, other) | (other, LiquidValue::Blank) => other.is_blank(),
        (LiquidValue::Empty, other) | (other, LiquidValue::Empty) => other.is_empty(),
        (LiquidValue::Nil, LiquidValue::Nil) => true,
        (LiquidValue::Bool(left), LiquidValue::Bool(right)) => left == right,
        (LiquidValue::Int(left), LiquidValue::Int(right)) => left == right,
        (LiquidValue::Float(left), LiquidValue::Float(right)) => left == right,
        (LiquidValue::Int(whole), LiquidValue::Float(float))
        | (LiquidValue::Float(float), LiquidValue::Int(whole)) => *whole as f64 == *float,
        (LiquidValue::Range(first, last), LiquidValue::Range(other_first, other_last)) => {
            first == other_first && last == other_last
        }
        (
            LiquidValue::Array(_) | LiquidValue::List(_),
            LiquidValue::Array(_) | LiquidValue::List(_),
        ) => are_lists_equal(left, right, depth),
        (LiquidValue::Object(left), LiquidValue::Object(right)) => {
            are_objects_equal(*left, *right, depth)
        }
        (LiquidValue::Decimal(_), _) | (_, LiquidValue::Decimal(_)) => {
            compare_numbers(left, right) == Some(Ordering::Equal)
        }
        // A loop equals only itself.
        (LiquidValue::Loop(left), LiquidValue::Loop(right)) => Rc::ptr_eq(left, right),
        _ => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

fn are_lists_equal<'a>(left: &LiquidValue<'a>, right: &LiquidValue<'a>, depth: u32) -> bool {
    let (Some(length), Some(other), Some(depth)) =
        (left.length(), right.length(), depth.checked_sub(1))
    else {
        return false;
    };
    length == other
        && (0..length).all(|index| are_equal(&left.item_at(index), &right.item_at(index), depth))
}

fn are_objects_equal(left: &dyn TemplateData, right: &dyn TemplateData, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    // The order of keys does not count.
    let mut same = left.len() == right.len();
    // `for_each` cannot stop early: after a difference nothing is compared.
    left.for_each(&mut |key, value| {
        same = same
            && right.get(key).is_some_and(|other| are_equal(&value.into(), &other.into(), depth));
    });
    same
}

// === impl LoopDrop ===

impl<'a> LoopDrop<'a> {
    /// The property `key` of the loop.
    fn get(&self, key: &str) -> LiquidValue<'a> {
        let index = self.index.get();
        match key {
            "index" => LiquidValue::from_count(index + 1),
            "index0" => LiquidValue::from_count(index),
            "rindex" => LiquidValue::from_count(self.length.saturating_sub(index)),
            "rindex0" => LiquidValue::from_count(self.length.saturating_sub(index + 1)),
            "first" => LiquidValue::Bool(index == 0),
            "last" => LiquidValue::Bool(index + 1 == self.length),
            "length" => LiquidValue::from_count(self.length),
            _ => match self.columns {
                Some(columns) => self.table_property(key, index as i128, columns),
                None => self.loop_property(key),
            },
        }
    }

    fn loop_property(&self, key: &str) -> LiquidValue<'a> {
        match key {
            "name" => LiquidValue::Str(self.name),
            "parentloop" => self.parent.clone().map_or(LiquidValue::Nil, LiquidValue::Loop),
            _ => LiquidValue::Nil,
        }
    }

    /// The property `key` of a table's cell.
    fn table_property(&self, key: &str, index: i128, columns: i128) -> LiquidValue<'a> {
        let (row, column) = table_position(index, columns);
        match key {
            "row" => LiquidValue::Int(row + 1),
            "col" => LiquidValue::Int(column + 1),
            "col0" => LiquidValue::Int(column),
            "col_first" => LiquidValue::Bool(column == 0),
            "col_last" => LiquidValue::Bool(column + 1 == columns),
            _ => LiquidValue::Nil,
        }
    }
}

/// The row and column, from 0, of the cell at `index`. A table of no columns has one endless row.
pub(super) fn table_position(index: i128, columns: i128) -> (i128, i128) {
    if columns > 0 { (index / columns, index % columns) } else { (0, index) }
}
