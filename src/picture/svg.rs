//! The picture as SVG.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use super::card::{
    Card, DETAIL_FONT, EXIT_FONT, EXIT_HEIGHT, Exit, NAME_FONT, TAG_FONT, TAG_HEIGHT, TEXT_LEFT,
};
use super::layout::Point;
use super::text::{Font, to_line};
use super::{FlowPicture, PictureMark, PictureMarks};
use crate::flow::{GraphTarget, GraphWidget};

/// The styles of a picture that stands alone.
const STYLE: &str = include_str!("style.css");
/// The radius of the corners of lines.
const CORNER: f64 = 7.0;
/// The size of names that are drawn without the rest of their cards.
const FAR_SIZE_MAX: f64 = 28.0;

type Attributes<'a> = &'a [(&'a str, &'a str)];

/// Writes elements. Texts and attributes are escaped by `quick_xml`.
struct SvgWriter {
    writer: Writer<Vec<u8>>,
}

impl FlowPicture<'_> {
    /// The picture as an SVG document with its styles, light or dark as the viewer prefers.
    /// `title` is its accessible name.
    pub fn to_svg(&self, title: &str, marks: &PictureMarks) -> String {
        // A document that is written to memory cannot fail.
        self.write(title, marks).unwrap_or_default()
    }

    fn write(&self, title: &str, marks: &PictureMarks) -> io::Result<String> {
        let mut svg = SvgWriter { writer: Writer::new(Vec::new()) };
        let [width, height] =
            [self.layout.width, self.layout.height].map(|side| number(side.ceil()));
        let view = format!("0 0 {width} {height}");
        let title = to_line(title);
        svg.start(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("class", "flow"),
                ("width", &width),
                ("height", &height),
                ("viewBox", &view),
                ("role", "img"),
                ("aria-label", &title),
            ],
        )?;
        svg.text("title", &[], &title)?;
        svg.text("style", &[], STYLE)?;
        svg.start("defs", &[])?;
        let arrow = [
            ("id", "arrow"),
            ("viewBox", "0 0 8 8"),
            ("refX", "7"),
            ("refY", "4"),
            ("markerWidth", "7"),
            ("markerHeight", "7"),
            ("orient", "auto"),
            ("markerUnits", "userSpaceOnUse"),
        ];
        svg.start("marker", &arrow)?;
        svg.empty("path", &[("d", "M0 0L8 4L0 8z"), ("fill", "context-stroke")])?;
        svg.end("marker")?;
        svg.end("defs")?;
        self.write_edges(&mut svg, marks)?;
        for index in 0..self.cards.len() {
            self.write_card(&mut svg, index, marks)?;
        }
        svg.end("svg")?;
        String::from_utf8(svg.writer.into_inner()).map_err(io::Error::other)
    }

    fn write_edges(&self, svg: &mut SvgWriter, marks: &PictureMarks) -> io::Result<()> {
        svg.start("g", &[("class", "edges")])?;
        for (edge, route) in self.edges.iter().zip(&self.layout.routes) {
            let transition = self.cards[edge.card].exits[edge.exit].transition;
            let mark = marks.of_transition(edge.card, transition);
            let class = format!("edge{}", class_of(mark));
            let path = round_path(route);
            svg.empty("path", &[("class", &class), ("d", &path), ("marker-end", "url(#arrow)")])?;
        }
        svg.end("g")
    }

    fn write_card(
        &self,
        svg: &mut SvgWriter,
        index: usize,
        marks: &PictureMarks,
    ) -> io::Result<()> {
        let (card, widget) = (&self.cards[index], &self.graph.widgets[index]);
        let Point { x, y } = self.layout.places[index];
        let unreachable = if index < self.graph.reachable { "" } else { " unreachable" };
        let mark = class_of(marks.of_widget(index));
        let class = format!("card {}{unreachable}{mark}", family(widget.kind));
        let id = format!("w{index}");
        let place = format!("translate({} {})", number(x), number(y));
        svg.start("g", &[("id", &id), ("class", &class), ("transform", &place)])?;
        svg.text("title", &[], &describe_card(card, widget))?;
        let [width, height] = [number(card.width), number(card.height)];
        svg.empty(
            "rect",
            &[("class", "body"), ("width", &width), ("height", &height), ("rx", "7")],
        )?;
        svg.empty("rect", &[("class", "bar"), ("width", "5"), ("height", &height), ("rx", "2.5")])?;
        svg.start("g", &[("class", "near")])?;
        svg.label("name", NAME_FONT, Point { x: TEXT_LEFT, y: 19.0 }, &card.name)?;
        if !card.unwired.is_empty() {
            let count = format!("+{}", card.unwired.len());
            let at = Point { x: card.width - DETAIL_FONT.width(&count) - 6.0, y: 19.0 };
            svg.label("unwired", DETAIL_FONT, at, &count)?;
        }
        if !card.property.is_empty() {
            svg.label("property", DETAIL_FONT, Point { x: TEXT_LEFT, y: 35.0 }, &card.property)?;
        }
        for exit in &card.exits {
            let mark = marks.of_transition(index, exit.transition);
            self.write_exit(svg, index, exit, mark)?;
        }
        svg.end("g")?;
        let far = far_font(card);
        let name = far.shorten(&to_line(widget.name), card.width - 12.0);
        let middle = (card.width - far.width(&name)) / 2.0;
        let at = Point { x: middle.max(6.0), y: card.height / 2.0 + far.size * 0.36 };
        svg.label("far", far, at, &name)?;
        svg.end("g")
    }

    fn write_exit(
        &self,
        svg: &mut SvgWriter,
        index: usize,
        exit: &Exit,
        mark: PictureMark,
    ) -> io::Result<()> {
        let card = &self.cards[index];
        let top = card.exits_top;
        let class = format!("exit{}", class_of(mark));
        svg.start("g", &[("class", &class)])?;
        let [x, y] = [number(exit.left), number(top)];
        let [width, height] = [number(exit.width), number(EXIT_HEIGHT)];
        let place = [("x", &*x), ("y", &*y), ("width", &*width), ("height", &*height), ("rx", "4")];
        svg.empty("rect", &place)?;
        svg.middle_label(EXIT_FONT, Point { x: exit.middle(), y: top + 12.2 }, &exit.label)?;
        let below = top + EXIT_HEIGHT;
        let Some(tag) = &exit.tag else {
            // The line begins at the exit, also where the card has tags below it.
            let stem =
                format!("M{} {}V{}", number(exit.middle()), number(below), number(card.height));
            svg.empty("path", &[("class", "stem"), ("d", &stem)])?;
            return svg.end("g");
        };
        let target = match self.graph.widgets[index].transitions[exit.transition].target {
            GraphTarget::Widget(target) => Some(target),
            GraphTarget::None | GraphTarget::Unknown(_) => None,
        };
        let class = match target {
            Some(target) => format!("tag {}", family(self.graph.widgets[target].kind)),
            None => "tag unknown".to_owned(),
        };
        let link = target.map(|target| format!("#w{target}"));
        let link = link.as_ref().map(|link| ("href", link.as_str()));
        let attributes: Vec<(&str, &str)> = [("class", &*class)].into_iter().chain(link).collect();
        svg.start("a", &attributes)?;
        let width = TAG_FONT.width(tag) + 10.0;
        let top = below + 4.0;
        let [left, top_text] = [number(exit.middle() - width / 2.0), number(top)];
        let [width, height] = [number(width), number(TAG_HEIGHT)];
        let place = [
            ("x", &*left),
            ("y", &*top_text),
            ("width", &*width),
            ("height", &*height),
            ("rx", "7.5"),
        ];
        svg.empty("rect", &place)?;
        svg.middle_label(TAG_FONT, Point { x: exit.middle(), y: top + 11.0 }, tag)?;
        svg.end("a")?;
        svg.end("g")
    }
}

// === impl SvgWriter ===

impl SvgWriter {
    fn start(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.writer.write_event(Event::Start(element(name, attributes)))
    }

    fn end(&mut self, name: &str) -> io::Result<()> {
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    fn empty(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.writer.write_event(Event::Empty(element(name, attributes)))
    }

    fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) -> io::Result<()> {
        self.start(name, attributes)?;
        self.writer.write_event(Event::Text(BytesText::new(text)))?;
        self.end(name)
    }

    /// A text that begins at a place.
    fn label(&mut self, class: &str, font: Font, at: Point, text: &str) -> io::Result<()> {
        let [x, y, size] = [number(at.x), number(at.y), number(font.size)];
        self.text("text", &[("class", class), ("x", &x), ("y", &y), ("font-size", &size)], text)
    }

    /// A text with its middle at a place.
    fn middle_label(&mut self, font: Font, at: Point, text: &str) -> io::Result<()> {
        let [x, y, size] = [number(at.x), number(at.y), number(font.size)];
        let middle = ("text-anchor", "middle");
        self.text("text", &[("x", &x), ("y", &y), ("font-size", &size), middle], text)
    }
}

fn element<'a>(name: &'a str, attributes: Attributes<'a>) -> BytesStart<'a> {
    BytesStart::new(name).with_attributes(attributes.iter().copied())
}

/// The font in which the name fills the card, for a picture that is seen from far.
fn far_font(card: &Card) -> Font {
    let one = Font { size: 1.0, is_bold: true };
    let size = (card.width - 16.0) / one.width(&card.name).max(1.0);
    Font { size: size.min(FAR_SIZE_MAX).min(card.height * 0.6).max(NAME_FONT.size), is_bold: true }
}

/// What a viewer shows for a card under the pointer: all that is shortened.
fn describe_card(card: &Card, widget: &GraphWidget<'_>) -> String {
    let mut text = format!("{} ({})", to_line(widget.name), to_line(widget.kind));
    if let Some((name, value)) = &widget.property {
        text += &format!("\n{name}: {}", to_line(value));
    }
    if !card.unwired.is_empty() {
        text += &format!("\nnot wired: {}", card.unwired.join(", "));
    }
    text
}

fn class_of(mark: PictureMark) -> &'static str {
    match mark {
        PictureMark::None => "",
        PictureMark::Covered => " covered",
        PictureMark::NotCovered => " not-covered",
    }
}

/// The colour of a widget: what its type does.
fn family(kind: &str) -> &'static str {
    match kind {
        "trigger" => "trigger",
        "split-based-on" | "set-variables" => "logic",
        "run-function" | "make-http-request" | "run-subflow" => "code",
        "gather-input-on-call" | "send-and-wait-for-reply" | "capture-payments" => "question",
        _ => "action",
    }
}

/// A route with round corners. All its parts are horizontal or vertical.
fn round_path(route: &[Point]) -> String {
    let Some((first, rest)) = route.split_first() else { return String::new() };
    let mut path = format!("M{} {}", number(first.x), number(first.y));
    let mut before = *first;
    for pair in rest.windows(2) {
        let [at, next] = [pair[0], pair[1]];
        let lengths = [distance(before, at), distance(at, next)];
        let radius = CORNER.min(lengths[0] / 2.0).min(lengths[1] / 2.0);
        if radius < 0.5 {
            path += &format!("L{} {}", number(at.x), number(at.y));
        } else {
            let from = towards(at, before, radius);
            let to = towards(at, next, radius);
            let [from, corner, to] =
                [from, at, to].map(|Point { x, y }| format!("{} {}", number(x), number(y)));
            path += &format!("L{from}Q{corner} {to}");
        }
        before = at;
    }
    if let Some(last) = rest.last() {
        path += &format!("L{} {}", number(last.x), number(last.y));
    }
    path
}

/// The length of a horizontal or vertical part.
fn distance(from: Point, to: Point) -> f64 {
    (from.x - to.x).abs() + (from.y - to.y).abs()
}

/// The point at a distance from `from` in the direction of `to`.
fn towards(from: Point, to: Point, length: f64) -> Point {
    let part = length / distance(from, to).max(length);
    Point { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}

/// A number with at most one decimal.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
