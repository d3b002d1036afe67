//! From names on the command line to checks and profiles, offering the nearest where one is unknown.

use std::collections::BTreeMap;

use super::{args, config, problem::Problem, sync_test::args::AREA, trouble::Trouble};
use crate::collect::Attested;
use crate::engine::{self, Catalogue, CheckError, Selection, Waiver};

/// What a plan must know of every profile.
pub fn profiles(catalogue: &Catalogue) -> BTreeMap<String, config::Profile> {
    let view = |profile: &engine::Profile| config::Profile {
        name: profile.name.clone(),
        worlds: profile.worlds.clone(),
        protocol: profile.protocol.clone(),
        features: profile.features.clone(),
        app_id: profile.app_id.clone(),
        user_agent: profile.user_agent.clone(),
        scope: profile.scope.clone(),
        application: profile.permissions.application.clone(),
        delegated: profile.permissions.delegated.clone(),
    };
    catalogue.profiles().map(|profile| (profile.name.clone(), view(profile))).collect()
}

/// The selection that the command line asks for.
pub fn selection(catalogue: &Catalogue, args: &args::Check) -> Result<Selection, Problem> {
    let selection = Selection {
        only: args.filter.only.clone(),
        skip: args.filter.skip.clone(),
        profile: args.live.setting.profile.clone(),
        with: if args.sync { vec![AREA.to_owned()] } else { Vec::new() },
        strict: args.report.strict,
        changed_within: args.changed_within,
        ..Selection::default()
    };
    if let Some(name) = selection.unknown_names(catalogue).first() {
        return Err(unknown_check(catalogue, name));
    }
    if let Some(name) = &args.live.setting.profile
        && catalogue.profile(name).is_none()
    {
        let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
        return Err(Problem::new(format!("unknown profile `{name}`")).choices(name, &names, "profiles"));
    }
    Ok(selection)
}

/// The waivers of a configuration.
pub fn waivers(
    file: &config::File,
    source: &config::Source,
    catalogue: &Catalogue,
) -> Result<Vec<Waiver>, Problem> {
    let waiver = |table: &toml::Spanned<config::RawWaiver>| {
        let (span, raw) = (table.span(), table.get_ref());
        let missing =
            |key: &str| source.problem(span.clone(), format!("the waiver has no `{key}`"), "one is needed");
        let check = raw.check.as_ref().ok_or_else(|| missing("check"))?;
        let reason = raw.reason.as_ref().ok_or_else(|| missing("reason"))?;
        let Some(known) = catalogue.check(check.get_ref()) else {
            let ids: Vec<&str> = catalogue.checks().iter().map(engine::Check::id).collect();
            let message = format!("there is no check `{}`", check.get_ref());
            let problem = source.problem(check.span(), message, "no such check");
            return Err(problem.choices(check.get_ref(), &ids, "checks"));
        };
        if let Some(until) = &raw.until
            && until.get_ref().parse::<jiff::civil::Date>().is_err()
        {
            let message = format!("`{}` is not a day; write it like 2027-03-31", until.get_ref());
            return Err(source.problem(until.span(), message, "not a day"));
        }
        Ok(Waiver {
            check: known.id().to_owned(),
            account: raw.account.clone(),
            reason: reason.get_ref().clone(),
            until: raw.until.as_ref().map(|until| until.get_ref().clone()),
        })
    };
    file.waivers.iter().map(waiver).collect()
}

/// The answers of a configuration, each with the account that it is about, if it is about one.
pub fn attests(
    file: &config::File,
    source: &config::Source,
    catalogue: &Catalogue,
    now: jiff::Timestamp,
) -> Result<Vec<(Option<String>, Attested)>, Problem> {
    let mut answers: Vec<(Option<String>, Attested)> = Vec::new();
    for table in &file.attests {
        let raw = table.get_ref();
        let given = answer(table, source, catalogue, now)?;
        let same = |(account, other): &(Option<String>, Attested)| {
            other.question == given.question && *account == raw.account
        };
        if answers.iter().any(same) {
            let message = format!("{} is answered twice", given.question);
            return Err(source.problem(table.span(), message, "for the second time"));
        }
        answers.push((raw.account.clone(), given));
    }
    Ok(answers)
}

fn answer(
    table: &toml::Spanned<config::RawAttest>,
    source: &config::Source,
    catalogue: &Catalogue,
    now: jiff::Timestamp,
) -> Result<Attested, Problem> {
    let raw = table.get_ref();
    let wanted = |key: &str, value: &'_ Option<toml::Spanned<String>>| {
        let missing = format!("the answer has no `{key}`");
        value.clone().ok_or_else(|| source.problem(table.span(), missing, "one is needed"))
    };
    let question = wanted("question", &raw.question)?;
    let asks = |check: &&engine::Check| check.file().ask.is_some();
    let Some((check, ask)) =
        catalogue.check(question.get_ref()).and_then(|check| Some((check, check.file().ask.as_ref()?)))
    else {
        let ids: Vec<&str> = catalogue.checks().iter().filter(asks).map(engine::Check::id).collect();
        let message = format!("no check asks `{}`", question.get_ref());
        let problem = source.problem(question.span(), message, "no such question");
        return Err(problem.choices(question.get_ref(), &ids, "questions"));
    };
    let answer = wanted("answer", &raw.answer)?;
    if !ask.answers.contains_key(answer.get_ref()) {
        let valid: Vec<&str> = ask.answers.keys().map(String::as_str).collect();
        let message = format!("`{}` is no answer to {}", answer.get_ref(), check.id());
        let problem = source.problem(answer.span(), message, "no such answer");
        return Err(problem.choices(answer.get_ref(), &valid, "answers").help(&ask.question));
    }
    let name = wanted("name", &raw.name)?;
    if name.get_ref().trim().is_empty() {
        return Err(source.problem(name.span(), "nobody stands behind the answer", "a name is needed"));
    }
    let date = day(&wanted("date", &raw.date)?, source, now)?;
    let (answer, name) = (answer.into_inner(), name.into_inner());
    Ok(Attested { question: check.id().to_owned(), answer, name, date })
}

/// A day that has begun somewhere on Earth.
fn day(
    given: &toml::Spanned<String>,
    source: &config::Source,
    now: jiff::Timestamp,
) -> Result<String, Problem> {
    let text = given.get_ref();
    let Ok(day) = text.parse::<jiff::civil::Date>() else {
        let message = format!("`{text}` is not a day; write it like 2026-11-30");
        return Err(source.problem(given.span(), message, "not a day"));
    };
    if day > jiff::tz::Offset::constant(14).to_datetime(now).date() {
        return Err(source.problem(given.span(), format!("`{text}` is in the future"), "not yet"));
    }
    Ok(day.to_string())
}

/// Refusal of a name that is neither a check nor an area.
pub fn unknown_check(catalogue: &Catalogue, name: &str) -> Problem {
    let areas = catalogue.areas().iter().map(|area| area.id.as_str());
    let names: Vec<&str> = catalogue.checks().iter().map(engine::Check::id).chain(areas).collect();
    Problem::new(format!("there is no check or area `{name}`"))
        .choices(name, &names, "names")
        .help("`syncready checks list` shows all checks")
}

/// A refused check file, shown with its place.
pub fn refused_check(error: &CheckError) -> Problem {
    if let Some((what, given, valid)) = config::unknown(&error.message) {
        let message = format!("unknown {what} `{given}`");
        return Problem::new(message)
            .within_plain(&error.file, &error.source_text, error.span.clone(), format!("no such {what} here"))
            .choices(given, &valid, &format!("{what}s"));
    }
    let problem = Problem::new(&error.message).within_plain(
        &error.file,
        &error.source_text,
        error.span.clone(),
        "here",
    );
    match &error.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A built-in check that does not compile is our fault.
pub fn broken_check(error: &CheckError) -> Trouble {
    Trouble::Ours(format!("a built-in check is broken: {}:{}: {}", error.file, error.line, error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(lines: &str) -> String {
        let text = format!("[[attest]]\nquestion = \"product/uses-the-service-account\"\n{lines}");
        let source = config::Source { name: "a.toml".into(), folder: ".".into(), text };
        let (file, source) = config::load(source, &[]).expect("well-formed");
        let now = "2026-11-21T20:00:00Z".parse().expect("a time");
        match attests(&file, &source, Catalogue::embedded(), now) {
            Ok(answers) => format!("{answers:?}"),
            Err(problem) => problem.render(false, false),
        }
    }

    #[test]
    fn an_answer_to_no_question_names_the_questions() {
        let text = "[[attest]]\nquestion = \"product/uses-the-account\"\n".to_owned();
        let source = config::Source { name: "a.toml".into(), folder: ".".into(), text };
        let (file, source) = config::load(source, &[]).expect("well-formed");
        let problem = attests(&file, &source, Catalogue::embedded(), jiff::Timestamp::UNIX_EPOCH);
        let shown = problem.expect_err("refused").render(false, false);
        assert!(
            shown.contains("a.toml:2:12") && shown.contains("product/uses-the-service-account"),
            "{shown}"
        );
    }

    #[test]
    fn an_answer_that_is_not_offered_shows_the_question() {
        let shown = refused("answer = \"yes\"\n");
        assert!(
            shown.contains("a.toml:3:10") && shown.contains("another-account, service-account"),
            "{shown}"
        );
    }

    #[test]
    fn a_day_that_has_not_come_anywhere_is_refused_where_it_stands() {
        let lines = "answer = \"service-account\"\nname = \"Jo\"\n";
        let shown = refused(&format!("{lines}date = \"2026-11-23\"\n"));
        assert!(shown.contains("a.toml:5:8") && shown.contains("in the future"), "{shown}");
        assert!(refused(&format!("{lines}date = \"2026-11-22\"\n")).contains("Attested"));
    }

    #[test]
    fn a_day_that_is_none_is_refused_where_it_stands() {
        let shown = refused("answer = \"service-account\"\nname = \"Jo\"\ndate = \"21.11.2026\"\n");
        assert!(shown.contains("a.toml:5:8") && shown.contains("write it like"), "{shown}");
    }

    #[test]
    fn an_answer_needs_a_name() {
        let shown = refused("answer = \"service-account\"\nname = \" \"\ndate = \"2026-11-20\"\n");
        assert!(shown.contains("a name is needed"), "{shown}");
    }
}
