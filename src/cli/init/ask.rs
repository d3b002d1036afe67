//! Questions on a terminal, or to another program in its place: one line each.

use std::io::{BufRead, Write};

use crate::cli::problem::Problem;

/// Asks on one side and listens on the other.
pub struct Asker<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Reads answers, writes questions.
    pub fn new(input: R, output: W) -> Self {
        Self { input, output }
    }

    /// Says something between questions.
    pub fn say(&mut self, text: &str) {
        // Who cannot be told may still answer.
        let _ = writeln!(self.output, "{text}").and_then(|()| self.output.flush());
    }

    /// An answer that is taken; an empty line takes the usual one.
    pub fn line(
        &mut self,
        question: &str,
        usual: Option<&str>,
        refuse: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Problem> {
        let shown = usual.filter(|usual| !usual.is_empty()).map(|usual| format!(" [{usual}]"));
        loop {
            let _ = write!(self.output, "{question}{}: ", shown.as_deref().unwrap_or_default());
            let _ = self.output.flush();
            let mut line = String::new();
            let read = self.input.read_line(&mut line);
            let read = read.map_err(|error| Problem::new(format!("cannot read the answer: {error}")))?;
            if read == 0 {
                self.say("");
                return Err(Problem::new(format!("the answers ended before `{question}`")));
            }
            let told = line.trim();
            let answer = if told.is_empty() { usual.unwrap_or_default() } else { told };
            match refuse(answer) {
                None => return Ok(answer.to_owned()),
                Some(why) => self.say(&format!("  {why}")),
            }
        }
    }

    /// One of several, by number or by name.
    pub fn choice(&mut self, question: &str, of: &[(&str, &str)], usual: &str) -> Result<String, Problem> {
        self.say(&format!("\n{question}"));
        let widest = of.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (index, (name, words)) in of.iter().enumerate() {
            self.say(&format!("  {}. {name:widest$}  {words}", index + 1));
        }
        let find = |answer: &str| {
            let by_number = answer.parse::<usize>().ok().and_then(|number| of.get(number.checked_sub(1)?));
            by_number.or_else(|| of.iter().find(|(name, _)| *name == answer)).map(|(name, _)| *name)
        };
        let refuse = |answer: &str| {
            find(answer).is_none().then(|| format!("`{answer}` is none of them: a number or a name, please"))
        };
        let answer = self.line("Number or name", Some(usual), refuse)?;
        Ok(find(&answer).unwrap_or(usual).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(answers: &str) -> Asker<&[u8], Vec<u8>> {
        Asker::new(answers.as_bytes(), Vec::new())
    }

    #[test]
    fn an_empty_line_takes_the_usual_answer() {
        assert_eq!(asker("\n").line("Q", Some("usual"), |_| None).expect("told"), "usual");
    }

    #[test]
    fn a_refused_answer_is_asked_again() {
        let refuse = |answer: &str| (answer == "bad").then(|| "no".to_owned());
        assert_eq!(asker("bad\ngood\n").line("Q", None, refuse).expect("told"), "good");
    }

    #[test]
    fn a_choice_is_made_by_number_or_name() {
        let of = [("one", "1"), ("two", "2")];
        for (answers, wanted) in [("2\n", "two"), ("two\n", "two"), ("\n", "one"), ("7\nzwei\n1\n", "one")] {
            assert_eq!(asker(answers).choice("Q", &of, "one").expect("told"), wanted, "{answers:?}");
        }
    }

    #[test]
    fn answers_that_end_are_a_problem() {
        let problem = asker("").line("Address", None, |_| None).expect_err("refused");
        assert!(problem.message().contains("Address"));
    }
}
