//! The filters: their table of names and arguments.
//!
//! Each filter is a function of the render's context, its input and its arguments. It charges the
//! budget for what it reads before it builds anything, and returns one of the values of
//! `context`. Filters know neither the tree nor the scope.

mod array;
mod context;
mod date;
mod e164;
mod encode;
mod number;
mod select;
mod sort;
mod string;

use super::value::LiquidValue;
use context::FilterResult;
pub(super) use context::{FilterArguments, FilterContext};

type FilterFunction =
    for<'a> fn(&mut FilterContext<'a>, LiquidValue<'a>, FilterArguments<'a>) -> FilterResult<'a>;

/// One filter of the language.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) name: &'static str,
    /// The least and the greatest number of positional arguments.
    pub(super) arguments: (usize, usize),
    pub(super) keyword: Option<&'static str>,
    pub(super) run: FilterFunction,
}

/// All filters, sorted by name for the binary search.
static FILTERS: [Filter; 65] = [
    filter("abs", (0, 0), number::abs),
    filter("append", (1, 1), string::append),
    filter("at_least", (1, 1), number::at_least),
    filter("at_most", (1, 1), number::at_most),
    filter("base64_decode", (0, 0), encode::base64_decode),
    filter("base64_encode", (0, 0), encode::base64_encode),
    filter("base64_url_safe_decode", (0, 0), encode::base64_url_safe_decode),
    filter("base64_url_safe_encode", (0, 0), encode::base64_url_safe_encode),
    filter("capitalize", (0, 0), string::capitalize),
    filter("ceil", (0, 0), number::ceil),
    filter("compact", (0, 1), array::compact),
    filter("concat", (1, 1), array::concat),
    filter_with("date", (1, 1), "timezone", date::date),
    filter_with("default", (0, 1), "allow_false", array::default),
    filter("divided_by", (1, 1), number::divided_by),
    filter("downcase", (0, 0), string::downcase),
    filter("e164", (0, 0), e164::e164),
    filter("escape", (0, 0), encode::escape),
    filter("escape_once", (0, 0), encode::escape_once),
    filter("find", (1, 2), select::find),
    filter("find_index", (1, 2), select::find_index),
    filter("first", (0, 0), array::first),
    filter("floor", (0, 0), number::floor),
    filter("h", (0, 0), encode::escape),
    filter("has", (1, 2), select::has),
    filter("join", (0, 1), array::join),
    filter("json", (0, 0), encode::to_json),
    filter("last", (0, 0), array::last),
    filter("lstrip", (0, 0), string::lstrip),
    filter("map", (1, 1), select::map),
    filter("minus", (1, 1), number::minus),
    filter("modulo", (1, 1), number::modulo),
    filter("newline_to_br", (0, 0), string::newline_to_br),
    filter("plus", (1, 1), number::plus),
    filter("prepend", (1, 1), string::prepend),
    filter("raw", (0, 0), encode::raw),
    filter("reject", (1, 2), select::reject),
    filter("remove", (1, 1), string::remove),
    filter("remove_first", (1, 1), string::remove_first),
    filter("remove_last", (1, 1), string::remove_last),
    filter("replace", (1, 2), string::replace),
    filter("replace_first", (1, 2), string::replace_first),
    filter("replace_last", (2, 2), string::replace_last),
    filter("reverse", (0, 0), array::reverse),
    filter("round", (0, 1), number::round),
    filter("rstrip", (0, 0), string::rstrip),
    filter("size", (0, 0), array::size),
    filter("slice", (1, 2), array::slice),
    filter("sort", (0, 1), sort::sort),
    filter("sort_natural", (0, 1), sort::sort_natural),
    filter("split", (1, 1), string::split),
    filter("squish", (0, 0), string::squish),
    filter("strip", (0, 0), string::strip),
    filter("strip_html", (0, 0), encode::strip_html),
    filter("strip_newlines", (0, 0), string::strip_newlines),
    filter("sum", (0, 1), select::sum),
    filter("times", (1, 1), number::times),
    filter("to_json", (0, 0), encode::to_json),
    filter("truncate", (0, 2), string::truncate),
    filter("truncatewords", (0, 2), string::truncatewords),
    filter("uniq", (0, 1), sort::uniq),
    filter("upcase", (0, 0), string::upcase),
    filter("url_decode", (0, 0), encode::url_decode),
    filter("url_encode", (0, 0), encode::url_encode),
    filter("where", (1, 2), select::filter_where),
];

/// The filter of that name.
pub(super) fn find(name: &str) -> Option<&'static Filter> {
    FILTERS.binary_search_by(|filter| filter.name.cmp(name)).ok().map(|index| &FILTERS[index])
}

/// The names of all filters.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|filter| filter.name)
}

const fn filter(name: &'static str, arguments: (usize, usize), run: FilterFunction) -> Filter {
    Filter { name, arguments, keyword: None, run }
}

const fn filter_with(
    name: &'static str,
    arguments: (usize, usize),
    keyword: &'static str,
    run: FilterFunction,
) -> Filter {
    Filter { name, arguments, keyword: Some(keyword), run }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(FILTERS.is_sorted_by(|left, right| left.name < right.name));
    }
}
