//! The text of a configuration, with words beside each value.

use std::fmt::Write;

use toml::Value;

use super::{
    answers::Answers,
    args::{Reader, Subject},
    outside::Found,
};
use crate::collect::World;

/// The configuration; `set` are further values, as tables.
pub fn compose(answers: &Answers, found: &Found, set: &toml::Table) -> String {
    let mut text = String::from(
        "# Configuration of syncready; docs/configuration.md explains every key.\n# Secrets never stand here: it says \
         where they are.\n",
    );
    let mut set = set.clone();
    tenant(&mut text, answers, found, &mut set);
    reader(&mut text, answers, &mut set);
    account(&mut text, answers);
    endpoints(&mut text, answers, found, &mut set);
    if !set.is_empty() {
        let _ = write!(text, "\n{set}");
    }
    text
}

/// Lines of `set` that belong into a table which is written here.
fn more(text: &mut String, set: &mut toml::Table, table: &str, own: &[&str]) {
    if let Some(Value::Table(values)) = set.remove(table) {
        for (key, value) in values.iter().filter(|(key, _)| !own.contains(&key.as_str())) {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
}

fn told<'a>(set: &'a toml::Table, table: &str, key: &str) -> Option<&'a str> {
    set.get(table)?.get(key)?.as_str()
}

fn tenant(text: &mut String, answers: &Answers, found: &Found, set: &mut toml::Table) {
    if answers.world == World::ExchangeServer && !set.contains_key("tenant") {
        text.push_str("\n# No [tenant]: an Exchange Server has none.\n");
        return;
    }
    let domain = answers.account.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let domain = told(set, "tenant", "domain").map_or(domain, str::to_owned);
    let _ = writeln!(text, "\n[tenant]\ndomain = {}", Value::from(domain));
    if told(set, "tenant", "id").is_none()
        && let Some(id) = &found.tenant
    {
        let _ = writeln!(text, "id     = {}", Value::from(id.as_str()));
    }
    let cloud = found.cloud.as_deref().filter(|cloud| *cloud != "worldwide");
    if told(set, "tenant", "cloud").is_none()
        && let Some(cloud) = cloud
    {
        let _ = writeln!(text, "cloud  = {}", Value::from(cloud));
    }
    more(text, set, "tenant", &["domain"]);
}

fn reader(text: &mut String, answers: &Answers, set: &mut toml::Table) {
    let (kind, id, credential) = &answers.reader;
    if *kind == Reader::None {
        if answers.world != World::ExchangeServer {
            text.push_str(
                "\n# Who reads the directory. `syncready permissions --script powershell` (or sh) registers an app for \
                 it;\n# then take the marks away and fill in what it prints.\n#[reader]\n#sign_in     = \
                 \"client-certificate\"\n#client_id   = \"00000000-0000-0000-0000-000000000000\"\n#certificate = { file \
                 = \"reader.pem\" }\n",
            );
        }
        return;
    }
    let sign_in = match kind {
        Reader::None => return,
        Reader::Browser => "browser",
        Reader::ClientCertificate => "client-certificate",
        Reader::ClientSecret => "client-secret",
        Reader::DeviceCode => "device-code",
    };
    let _ =
        writeln!(text, "\n# Who reads the directory; read permissions are enough (`syncready permissions`).");
    let _ = writeln!(text, "[reader]\nsign_in = \"{sign_in}\"");
    if let Some(id) = id {
        let _ = writeln!(text, "client_id = {}", Value::from(id.as_str()));
    }
    if let Some(credential) = credential {
        let key = if *kind == Reader::ClientCertificate { "certificate" } else { "secret" };
        let _ = writeln!(text, "{key} = {credential}");
    }
    more(text, set, "reader", &["sign_in", "client_id", "secret", "certificate"]);
}

fn account(text: &mut String, answers: &Answers) {
    let in_app_world = matches!(answers.world, World::OnlineEwsApp | World::OnlineGraphApp);
    let what = if in_app_world { "A mailbox that the product reaches." } else { "The service account." };
    let _ = writeln!(text, "\n# {what}\n[[account]]\naddress = {}", Value::from(answers.account.as_str()));
    let _ = writeln!(text, "# What the product needs.");
    let _ = writeln!(text, "profile = {}", Value::from(answers.profile.as_str()));
    let _ = writeln!(text, "world   = \"{}\"", answers.world.as_str());
    text.push_str("# Other mailboxes to try, read only.\n#as = [\"ceo@contoso.com\"]\n");
    let (kind, id, place) = &answers.subject;
    let kind_name = match kind {
        Subject::None => {
            text.push_str("# Without [account.subject] this tool does not sign in as the product.\n");
            return;
        }
        Subject::ClientSecret | Subject::Vendor => "client-secret",
        Subject::Password => "password",
        Subject::RefreshToken => "refresh-token",
    };
    let _ = writeln!(text, "\n# Whom the product signs in as.\n[account.subject]\nkind = \"{kind_name}\"");
    if let Some(id) = id {
        let _ = writeln!(text, "client_id = {}", Value::from(id.as_str()));
    }
    if *kind == Subject::Vendor {
        text.push_str("held_by = \"vendor\"\n");
    }
    if let Some(place) = place {
        let _ = writeln!(text, "secret = {place}");
    }
}

fn endpoints(text: &mut String, answers: &Answers, found: &Found, set: &mut toml::Table) {
    let own = answers.world == World::ExchangeServer && told(set, "endpoints", "ews").is_none();
    let url = found.ews.as_deref().filter(|_| own);
    if url.is_none() && !set.contains_key("endpoints") {
        return;
    }
    text.push_str("\n[endpoints]\n");
    if let Some(url) = url {
        let _ = writeln!(text, "ews = {}", Value::from(url));
    }
    more(text, set, "endpoints", &[]);
}
