//! From options, findings and questions to answers.

use std::io::{BufRead, Write};

use clap::ValueEnum;

use super::{
    args::{Init, Reader, Subject},
    ask::Asker,
    outside::Found,
};
use crate::{
    cli::{config, problem::Problem},
    collect::World,
    engine::{Catalogue, Profile},
};

/// Who answers what no option does.
pub enum Voice<R, W> {
    /// Somebody on the other side.
    Person(Asker<R, W>),
    /// Nobody: what is found or usual is taken.
    Usual,
}

/// A value that a configuration can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Address.
    pub account: String,
    /// Profile.
    pub profile: String,
    /// World.
    pub world: World,
    /// Reader, with app id and where its credential is.
    pub reader: (Reader, Option<String>, Option<String>),
    /// Subject, with app id and where its credential is.
    pub subject: (Subject, Option<String>, Option<String>),
}

/// Where a secret is, as a table of the configuration; `None` when the text says no place.
pub fn place(text: &str) -> Option<String> {
    let quoted = |key: &str, value: &str| {
        (!value.is_empty()).then(|| format!("{{ {key} = {} }}", toml::Value::from(value)))
    };
    if text == "prompt" {
        return Some("{ prompt = true }".to_owned());
    }
    match text.split_once(':')? {
        ("env", name) => quoted("env", name),
        ("file", path) => quoted("file", path),
        _ => None,
    }
}

const NO_PLACE: &str = "say where it is, as env:NAME, file:PATH or prompt; a secret itself never stands here";

fn no_place(text: &str) -> Option<String> {
    place(text).is_none().then(|| NO_PLACE.to_owned())
}

fn no_id(text: &str) -> Option<String> {
    uuid::Uuid::parse_str(text).is_err().then(|| format!("`{text}` is no app id: a GUID is wanted"))
}

fn names<T: ValueEnum>(of: &[T]) -> Vec<(String, String)> {
    let named = of.iter().filter_map(ValueEnum::to_possible_value);
    named
        .map(|value| {
            let words = value.get_help().map(ToString::to_string).unwrap_or_default();
            (value.get_name().to_owned(), words)
        })
        .collect()
}

impl<R: BufRead, W: Write> Voice<R, W> {
    /// Says something to a person.
    pub fn say(&mut self, text: &str) {
        if let Self::Person(asker) = self {
            asker.say(text);
        }
    }

    /// The address: nothing is usual there.
    pub fn account(&mut self, given: Option<&String>) -> Result<String, Problem> {
        let refuse = |text: &str| {
            config::address_fault(text).map(|fault| format!("`{text}` is not a mail address: {fault}"))
        };
        self.text("Address of the service account", "--account", given, None, refuse)
    }

    fn text(
        &mut self,
        question: &str,
        option: &str,
        given: Option<&String>,
        usual: Option<&str>,
        refuse: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Problem> {
        if let Some(given) = given {
            return match refuse(given) {
                None => Ok(given.clone()),
                Some(why) => Err(Problem::new(format!("{option}: {why}"))),
            };
        }
        match self {
            Self::Person(asker) => asker.line(question, usual, refuse),
            Self::Usual => usual
                .map(str::to_owned)
                .ok_or_else(|| Problem::new(format!("{option} is missing, and nothing is usual there"))),
        }
    }

    fn choose<T: ValueEnum + Copy>(
        &mut self,
        question: &str,
        given: Option<T>,
        of: &[T],
        usual: T,
    ) -> Result<T, Problem> {
        if let Some(given) = given {
            return Ok(given);
        }
        let Self::Person(asker) = self else { return Ok(usual) };
        let named = names(of);
        let shown: Vec<(&str, &str)> =
            named.iter().map(|(name, words)| (name.as_str(), words.as_str())).collect();
        let usual_name = names(&[usual]).pop().map(|(name, _)| name).unwrap_or_default();
        let name = asker.choice(question, &shown, &usual_name)?;
        Ok(of.iter().copied().find(|one| names(&[*one])[0].0 == name).unwrap_or(usual))
    }

    /// Everything else.
    pub fn rest(
        &mut self,
        args: &Init,
        account: String,
        found: &Found,
        catalogue: &Catalogue,
    ) -> Result<Answers, Problem> {
        let profile = self.profile(args, found, catalogue)?;
        let world = self.world(args, found, profile)?;
        let reader = self.reader(args, world)?;
        let subject = self.subject(args, world, profile)?;
        Ok(Answers { account, profile: profile.name.clone(), world, reader, subject })
    }

    fn profile<'a>(
        &mut self,
        args: &Init,
        found: &Found,
        catalogue: &'a Catalogue,
    ) -> Result<&'a Profile, Problem> {
        let ews =
            found.on_premises || matches!(args.world, Some(World::ExchangeServer | World::OnlineEwsApp));
        let usual = if ews { "generic-ews" } else { "generic-graph" };
        let all: Vec<(&str, &str)> =
            catalogue.profiles().map(|profile| (profile.name.as_str(), profile.title.as_str())).collect();
        let name = match (&args.profile, self) {
            (Some(name), _) => name.clone(),
            (None, Self::Person(asker)) => asker.choice("What does the product need?", &all, usual)?,
            (None, Self::Usual) => usual.to_owned(),
        };
        catalogue.profile(&name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Problem::new(format!("unknown profile `{name}`")).choices(&name, &names, "profiles")
        })
    }

    fn world(&mut self, args: &Init, found: &Found, profile: &Profile) -> Result<World, Problem> {
        let fits = |world: &World| {
            profile.worlds.is_empty() || profile.worlds.iter().any(|name| name == world.as_str())
        };
        let fitting: Vec<World> = World::value_variants().iter().copied().filter(fits).collect();
        let likely = |world: &World| (*world == World::ExchangeServer) == found.on_premises;
        let usual = if profile.protocol == "ews" { World::OnlineEwsApp } else { World::OnlineGraphApp };
        let usual = [usual]
            .into_iter()
            .chain(fitting.iter().copied())
            .find(|world| likely(world) && fitting.contains(world));
        let usual = usual.or(fitting.first().copied()).unwrap_or(World::OnlineGraphApp);
        self.choose(
            "Where does the mailbox live, and how does the product sign in?",
            args.world,
            &fitting,
            usual,
        )
    }

    fn reader(
        &mut self,
        args: &Init,
        world: World,
    ) -> Result<(Reader, Option<String>, Option<String>), Problem> {
        if world == World::ExchangeServer {
            return Ok((Reader::None, None, None));
        }
        let kind =
            self.choose("Who reads the directory?", args.reader, Reader::value_variants(), Reader::None)?;
        if kind == Reader::None {
            return Ok((kind, None, None));
        }
        let id = self.text("App id of the reader", "--reader-id", args.reader_id.as_ref(), None, no_id)?;
        let credential = match kind {
            Reader::ClientSecret => {
                let usual = Some("env:SYNCREADY_READER_SECRET");
                let given = args.reader_secret.as_ref();
                let text = self.text("Where is its secret", "--reader-secret", given, usual, no_place)?;
                place(&text)
            }
            Reader::ClientCertificate => {
                let (usual, given) = (Some("reader.pem"), args.reader_certificate.as_ref());
                let question = "PEM file with its certificate and key";
                let path = self.text(question, "--reader-certificate", given, usual, |_| None)?;
                Some(format!("{{ file = {} }}", toml::Value::from(path)))
            }
            Reader::None | Reader::Browser | Reader::DeviceCode => None,
        };
        Ok((kind, Some(id), credential))
    }

    fn subject(
        &mut self,
        args: &Init,
        world: World,
        profile: &Profile,
    ) -> Result<(Subject, Option<String>, Option<String>), Problem> {
        let kinds: &[Subject] = match world {
            World::ExchangeServer => &[Subject::None, Subject::Password],
            World::OnlineDelegated => &[Subject::None, Subject::Password, Subject::RefreshToken],
            World::OnlineEwsApp | World::OnlineGraphApp => {
                &[Subject::None, Subject::ClientSecret, Subject::Vendor]
            }
        };
        let kind =
            self.choose("Shall this tool sign in as the product?", args.subject, kinds, Subject::None)?;
        if !kinds.contains(&kind) {
            let names: Vec<String> = names(kinds).into_iter().map(|(name, _)| name).collect();
            let message =
                format!("--subject: in the world `{}` it is one of {}", world.as_str(), names.join(", "));
            return Err(Problem::new(message));
        }
        if kind == Subject::None {
            return Ok((kind, None, None));
        }
        let id = if world == World::ExchangeServer {
            None
        } else {
            let usual = profile.app_id.as_deref();
            Some(self.text(
                "App id of the product",
                "--subject-id",
                args.subject_id.as_ref(),
                usual,
                no_id,
            )?)
        };
        if kind == Subject::Vendor {
            return Ok((kind, id, None));
        }
        let given = args.subject_secret.as_ref();
        let text = self.text("Where is its secret", "--subject-secret", given, Some("prompt"), no_place)?;
        Ok((kind, id, place(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_place_and_is_none() {
        assert_eq!(place("env:A_B").as_deref(), Some("{ env = \"A_B\" }"));
        assert_eq!(place("file:C:\\s").as_deref(), Some("{ file = 'C:\\s' }"));
        assert_eq!(place("prompt").as_deref(), Some("{ prompt = true }"));
        for text in ["hunter2", "env:", "http://x", ""] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
