//! The filter forms that the lab's paths take: comparisons, `and`, `or`, `any`, `startswith`.

use serde_json::Value;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One holds.
    Or(Box<Filter>, Box<Filter>),
    /// A property compared with a literal.
    Compare {
        /// Property path, members separated by `/`.
        path: String,
        /// `eq`, `ge`, `le`, `gt`, `lt` or `startswith`.
        operator: String,
        /// Literal, without quotes.
        literal: Literal,
    },
    /// One element of a list satisfies the filter; its elements stand under the empty path.
    Any(String, Box<Filter>),
}

/// A literal of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// Quoted text, a time or a bare GUID.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// `null`.
    Null,
}

impl Filter {
    /// Reads a filter; `None` when it has another form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0, variable: String::new() };
        let filter = reader.either()?;
        (reader.at == reader.tokens.len()).then_some(filter)
    }

    /// First members of the properties that the filter reads.
    pub(super) fn properties(&self) -> Vec<&str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                let mut names = left.properties();
                names.extend(right.properties());
                names
            }
            Self::Compare { path, .. } | Self::Any(path, _) => path.split('/').take(1).collect(),
        }
    }

    /// Texts of which every row that satisfies the filter has one as one of these properties, or in it;
    /// `None`: others may satisfy it too.
    pub(super) fn wanted(&self, properties: &[&str]) -> Option<Vec<&str>> {
        match self {
            Self::And(left, right) => left.wanted(properties).or_else(|| right.wanted(properties)),
            Self::Or(left, right) => {
                let mut texts = left.wanted(properties)?;
                texts.extend(right.wanted(properties)?);
                Some(texts)
            }
            Self::Any(path, inner) => {
                properties.contains(&path.as_str()).then(|| inner.wanted(&[""])).flatten()
            }
            Self::Compare { path, operator, literal: Literal::Text(text) } => {
                (operator == "eq" && properties.contains(&path.as_str())).then(|| vec![text.as_str()])
            }
            Self::Compare { .. } => None,
        }
    }

    /// Whether a row satisfies the filter.
    pub(super) fn holds(&self, row: &Value) -> bool {
        match self {
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
            Self::Any(path, inner) => {
                member(row, path).as_array().is_some_and(|list| list.iter().any(|one| inner.holds(one)))
            }
            Self::Compare { path, operator, literal } => compare(member(row, path), operator, literal),
        }
    }
}

/// The value at a path; the empty path is the row itself.
fn member<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('/').filter(|name| !name.is_empty()).fold(row, |value, name| &value[name])
}

/// Compares as the directory does: text without case, times by their text.
fn compare(value: &Value, operator: &str, literal: &Literal) -> bool {
    match literal {
        Literal::Null => (operator == "eq") == value.is_null(),
        Literal::Bool(wanted) => value.as_bool() == Some(*wanted) && operator == "eq",
        Literal::Int(wanted) => value.as_i64().is_some_and(|number| ordered(&number, operator, wanted)),
        Literal::Text(wanted) => value.as_str().is_some_and(|text| {
            let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
            match operator {
                "startswith" => text.starts_with(&wanted),
                _ => ordered(&text, operator, &wanted),
            }
        }),
    }
}

/// One of the ordering operators.
fn ordered<T: PartialOrd>(left: &T, operator: &str, right: &T) -> bool {
    match operator {
        "eq" => left == right,
        "ge" => left >= right,
        "le" => left <= right,
        "gt" => left > right,
        "lt" => left < right,
        _ => false,
    }
}

/// Splits into words, quoted texts (with a leading quote) and parentheses.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '(' | ')' | ',' => (first.to_string(), rest.get(1..)?),
            '\'' => quoted(rest)?,
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "(),'".contains(c)).unwrap_or(rest.len());
                (rest.get(..end)?.to_owned(), rest.get(end..)?)
            }
        };
        found.push(token);
        rest = tail.trim_start();
    }
    Some(found)
}

/// A quoted text with doubled quotes undone, marked by a leading quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::from("'");
    let mut rest = text.get(1..)?;
    loop {
        let end = rest.find('\'')?;
        value.push_str(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        let Some(tail) = rest.strip_prefix('\'') else { return Some((value, rest)) };
        value.push('\'');
        rest = tail;
    }
}

/// Reads tokens by recursive descent.
struct Reader {
    tokens: Vec<String>,
    at: usize,
    variable: String,
}

impl Reader {
    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token == wanted);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.take("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.one()?;
        while self.take("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Filter> {
        if self.take("(") {
            let inner = self.either()?;
            return self.take(")").then_some(inner);
        }
        let word = self.next()?;
        if word.eq_ignore_ascii_case("startswith") {
            return self.starts_with();
        }
        if let Some(path) = word.strip_suffix("/any").or_else(|| word.strip_suffix("/Any")) {
            return self.any(path);
        }
        let operator =
            self.next().filter(|word| matches!(word.as_str(), "eq" | "ge" | "le" | "gt" | "lt"))?;
        let literal = literal(&self.next()?);
        Some(Filter::Compare { path: self.without_variable(&word), operator, literal })
    }

    fn starts_with(&mut self) -> Option<Filter> {
        let opened = self.take("(");
        let path = self.next()?;
        let path = self.without_variable(&path);
        let separated = self.take(",");
        let literal = literal(&self.next()?);
        let whole = opened && separated && self.take(")");
        whole.then(|| Filter::Compare { path, operator: "startswith".into(), literal })
    }

    /// `any(p:p eq 'x')`: the word behind the parenthesis holds `variable:path`.
    fn any(&mut self, path: &str) -> Option<Filter> {
        if !self.take("(") {
            return None;
        }
        let word = self.tokens.get(self.at)?.clone();
        let (variable, first) = word.split_once(':')?;
        variable.clone_into(&mut self.variable);
        if first.is_empty() {
            self.at += 1;
        } else {
            first.clone_into(self.tokens.get_mut(self.at)?);
        }
        let inner = self.either()?;
        self.variable.clear();
        self.take(")").then(|| Filter::Any(path.to_owned(), Box::new(inner)))
    }

    fn without_variable(&self, path: &str) -> String {
        match path.strip_prefix(&self.variable) {
            Some(rest) if !self.variable.is_empty() => rest.trim_start_matches('/').to_owned(),
            _ => path.to_owned(),
        }
    }
}

/// The literal that a token stands for.
fn literal(token: &str) -> Literal {
    match token {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        "null" => Literal::Null,
        _ => match (token.strip_prefix('\''), token.parse()) {
            (Some(text), _) => Literal::Text(text.to_owned()),
            (None, Ok(number)) => Literal::Int(number),
            _ => Literal::Text(token.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(filter: &str, row: &Value) -> bool {
        Filter::parse(filter).expect("a filter").holds(row)
    }

    #[test]
    fn text_is_compared_without_case_and_quotes_are_undoubled() {
        assert!(holds(
            "userPrincipalName eq 'O''Neil@contoso.com'",
            &json!({"userPrincipalName": "o'neil@contoso.com"})
        ));
    }

    #[test]
    fn any_looks_at_the_elements_of_a_list() {
        let row = json!({"proxyAddresses": ["SMTP:a@contoso.com", "smtp:b@contoso.com"]});
        assert!(holds("proxyAddresses/any(p:p eq 'smtp:b@contoso.com')", &row));
        assert!(!holds("proxyAddresses/any(p:p eq 'smtp:c@contoso.com')", &row));
    }

    #[test]
    fn a_filter_tells_whom_it_can_find() {
        let wanted = |text: &str| {
            let filter = Filter::parse(text).expect("a filter");
            filter.wanted(&["mail", "proxyAddresses"]).map(|texts| texts.join(" "))
        };
        assert_eq!(wanted("mail eq 'a' or proxyAddresses/any(p:p eq 'b')").as_deref(), Some("a b"));
        assert_eq!(wanted("accountEnabled eq true and mail eq 'a'").as_deref(), Some("a"));
        assert_eq!(wanted("mail eq 'a' or accountEnabled eq true"), None);
        assert_eq!(wanted("startswith(mail,'a')"), None);
        assert_eq!(wanted("proxyAddresses/any(p:startswith(p,'smtp:'))"), None);
        assert_eq!(wanted("mail eq null"), None);
    }

    #[test]
    fn times_are_ordered() {
        let row = json!({"userId": "1", "createdDateTime": "2026-11-20T08:00:00Z"});
        assert!(holds("userId eq '1' and createdDateTime ge 2026-11-14T00:00:00Z", &row));
        assert!(!holds("userId eq '1' and createdDateTime ge 2026-11-21T00:00:00Z", &row));
    }

    #[test]
    fn a_form_that_is_not_known_is_no_filter() {
        assert_eq!(Filter::parse("not startswith(mail,'a')"), None);
        assert_eq!(Filter::parse("mail ne 'a'"), None);
        assert_eq!(Filter::parse("mail eq"), None);
    }
}
