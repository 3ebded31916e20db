//! A TOML table read key by key: every key is asked for, what was not asked for is refused.

use crate::fault::{Collector, Faults, nearest};
use std::{cell::RefCell, str::FromStr};
use toml_span::{Span, Value, value::Table};

/// A parsed file, the place of every byte in it, and the faults found so far.
pub(crate) struct Document<'a> {
    line_starts: Vec<usize>,
    faults: RefCell<Collector<'a>>,
}

/// One table of the document under its dotted name (empty for the whole file).
pub(crate) struct Section<'d, 'a, 'v> {
    document: &'d Document<'a>,
    name: String,
    line: usize,
    table: Option<&'v Table<'v>>,
    asked: RefCell<Vec<&'static str>>,
}

/// The text without a byte order mark and with plain line ends (Windows Notepad writes both).
pub(crate) fn plain_text(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// Parses TOML, or says where the syntax is broken.
pub(crate) fn parse<'v>(text: &'v str, file: &str) -> Result<Value<'v>, Faults> {
    toml_span::parse(text).map_err(|error| {
        let mut faults = Collector::new(file);
        let line = Document::new(text, file).line(error.span);
        faults.add(line, "", "toml-syntax", format!("not valid TOML: {error}"));
        faults.faults
    })
}

impl<'a> Document<'a> {
    pub(crate) fn new(text: &str, file: &'a str) -> Self {
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { line_starts, faults: RefCell::new(Collector::new(file)) }
    }

    fn line(&self, span: Span) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start) + 1
    }

    pub(crate) fn fault(&self, line: usize, key: &str, code: &'static str, message: impl Into<String>) {
        self.faults.borrow_mut().add(line, key, code, message);
    }

    pub(crate) fn into_faults(self) -> Collector<'a> {
        self.faults.into_inner()
    }

    /// The whole file as a section.
    pub(crate) fn root<'d, 'v>(&'d self, value: &'v Value<'v>) -> Section<'d, 'a, 'v> {
        self.section(String::new(), 1, value.as_table())
    }

    fn section<'d, 'v>(
        &'d self,
        name: String,
        line: usize,
        table: Option<&'v Table<'v>>,
    ) -> Section<'d, 'a, 'v> {
        Section { document: self, name, line, table, asked: RefCell::new(Vec::new()) }
    }
}

impl<'d, 'a, 'v> Section<'d, 'a, 'v> {
    /// The dotted name of a key of this section.
    pub(crate) fn dotted(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// True where the file holds this table.
    pub(crate) fn present(&self) -> bool {
        self.table.is_some()
    }

    fn get(&self, key: &'static str) -> Option<(&'v Value<'v>, usize)> {
        self.asked.borrow_mut().push(key);
        let (name, value) = self.table?.get_key_value(key)?;
        Some((value, self.document.line(name.span)))
    }

    /// The line of a key, or of its table where the key is missing.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        let found = self.table.and_then(|table| table.get_key_value(key));
        found.map_or(self.line, |(name, _)| self.document.line(name.span))
    }

    pub(crate) fn fault(&self, key: &str, code: &'static str, message: impl Into<String>) {
        self.document.fault(self.line_of(key), &self.dotted(key), code, message);
    }

    fn wrong_type(&self, key: &str, wanted: &str, value: &Value<'_>) {
        let found = value.as_ref().type_str();
        self.fault(key, "value-type", format!("expected {wanted}, found {found}"));
    }

    /// A key that must be there; its absence is a fault.
    pub(crate) fn required(&self, key: &'static str, value: Option<String>, example: &str) -> Option<String> {
        if value.is_none() && self.table.is_none_or(|table| !table.contains_key(key)) {
            self.fault(key, "key-missing", format!("this key is required, for example {key} = {example}"));
        }
        value
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        let (value, _) = self.get(key)?;
        if value.as_str().is_none() {
            self.wrong_type(key, "text in quotes", value);
        }
        value.as_str().map(ToOwned::to_owned)
    }

    /// A text parsed into a type; a text that does not parse is a fault.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &'static str,
        text: &str,
    ) -> Option<T> {
        text.parse().map_err(|error| self.fault(key, "value-form", format!("`{text}`: {error}"))).ok()
    }

    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let (value, _) = self.get(key)?;
        if value.as_bool().is_none() {
            self.wrong_type(key, "true or false", value);
        }
        value.as_bool()
    }

    pub(crate) fn integer(&self, key: &'static str) -> Option<i64> {
        let (value, _) = self.get(key)?;
        if value.as_integer().is_none() {
            self.wrong_type(key, "a whole number", value);
        }
        value.as_integer()
    }

    /// A list of texts; empty where the key is missing.
    pub(crate) fn texts(&self, key: &'static str) -> Vec<String> {
        let Some((value, _)) = self.get(key) else { return Vec::new() };
        let texts: Option<Vec<String>> = value
            .as_array()
            .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        texts.unwrap_or_else(|| {
            self.wrong_type(key, "a list of texts, for example [\"a\", \"b\"]", value);
            Vec::new()
        })
    }

    /// A sub-table, which may be missing.
    pub(crate) fn section(&self, key: &'static str) -> Section<'d, 'a, 'v> {
        let found = self.get(key);
        if let Some((value, _)) = found
            && value.as_table().is_none()
        {
            self.wrong_type(key, "a table", value);
        }
        let line = found.map_or(self.line, |(_, line)| line);
        self.document.section(self.dotted(key), line, found.and_then(|(value, _)| value.as_table()))
    }

    /// The tables of an array of tables.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Section<'d, 'a, 'v>> {
        let Some((value, line)) = self.get(key) else { return Vec::new() };
        let items = value.as_array().filter(|items| items.iter().all(|item| item.as_table().is_some()));
        let Some(items) = items else {
            self.wrong_type(key, "tables written [[tier]]", value);
            return Vec::new();
        };
        let section = |(i, item): (usize, &'v Value<'v>)| {
            let table = item.as_table();
            let first = table.and_then(|table| table.keys().map(|name| self.document.line(name.span)).min());
            self.document.section(format!("{}[{i}]", self.dotted(key)), first.unwrap_or(line), table)
        };
        items.iter().enumerate().map(section).collect()
    }

    /// Refuses every key that was never asked for, naming the nearest known one.
    pub(crate) fn close(&self) {
        let asked = self.asked.borrow();
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        for key in keys.filter(|key| !asked.contains(&key.name.as_ref())) {
            let hint = nearest(&key.name, asked.iter().copied()).map_or_else(
                || format!("known keys: {}", asked.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.fault(&key.name, "key-unknown", format!("unknown key; {hint}"));
        }
    }
}
