//! The page for a customer: what a product needs, in the order of set-up. Made of profile and checks
//! alone.

use super::Style;
use super::explain::span;
use super::mark::Paint;
use super::profile::{protocol, reach, resource, sign_in, statement};
use super::sheet::Sheet;
use crate::engine::{Catalogue, Level, Permission, Profile, Requirement};

/// A host that the product calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Name, or what stands for it.
    pub name: String,
    /// TCP port.
    pub port: u16,
    /// What for.
    pub purpose: String,
}

/// The page in several forms.
pub struct Requirements(Sheet);

impl Requirements {
    /// The page of a profile in a world.
    pub fn new(
        catalogue: &Catalogue,
        profile: &Profile,
        world: &str,
        needs: &[Requirement<'_>],
        hosts: &[Host],
    ) -> Self {
        let mut sheet = Sheet::default();
        sheet.title(&format!("Requirements of {}", profile.title));
        let text = "What has to be so before the product can work, in the order of set-up. svc-sync@contoso.com \
                    and contoso.com stand for the service account and its domain; … stands for what differs \
                    from case to case.";
        sheet.text(text, Paint::Plain);
        glance(&mut sheet, profile, world);
        permissions(&mut sheet, profile, world);
        network(&mut sheet, hosts);
        steps(&mut sheet, catalogue, profile, needs);
        statements(&mut sheet, profile);
        sources(&mut sheet, profile, needs);
        Self(sheet)
    }

    /// For a terminal.
    pub fn text(&self, style: &Style) -> String {
        self.0.on_terminal(style)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        self.0.as_markdown()
    }

    /// As a page of HTML.
    pub fn html(&self) -> String {
        self.0.as_html()
    }
}

/// The protocol that a product speaks in a world.
fn spoken<'p>(profile: &'p Profile, world: &str) -> &'p str {
    match world {
        "exchange-server" | "online-ews-app" => "ews",
        "online-graph-app" => "graph",
        _ => &profile.protocol,
    }
}

fn glance(sheet: &mut Sheet, profile: &Profile, world: &str) {
    sheet.heading("At a glance");
    sheet.labelled("Where", super::table::world(world));
    sheet.labelled("Protocol", protocol(spoken(profile, world)));
    let app = world.ends_with("-app");
    let kinds = profile.sign_in.iter().filter(|kind| (*kind == "app") == app);
    let kinds: Vec<&str> = kinds.filter(|kind| app || fits(kind, world)).map(|kind| sign_in(kind)).collect();
    sheet.labelled("Signs in", &kinds.join(", or "));
    sheet.labelled("Features", &profile.features.join(", "));
    sheet.labelled("Reaches", reach(&profile.scope));
    if world != "exchange-server" {
        sheet.labelled("App id", profile.app_id.as_deref().unwrap_or("not published; ask the vendor"));
    }
    let licenses = profile.params.iter().filter(|(check, _)| check.starts_with("license/"));
    for said in licenses.filter_map(|(_, values)| values.get("says")?.as_str()) {
        sheet.labelled("License", said);
    }
    if let Some(agent) = &profile.user_agent {
        sheet.labelled("User agent", agent);
    }
}

/// An Exchange Server gives no tokens of its own.
fn fits(kind: &str, world: &str) -> bool {
    world != "exchange-server" || kind == "password"
}

fn permissions(sheet: &mut Sheet, profile: &Profile, world: &str) {
    let all = &profile.permissions;
    let (kind, list) = match world {
        "exchange-server" => return,
        "online-delegated" => ("delegated", &all.delegated),
        _ => ("application", &all.application),
    };
    let protocol = spoken(profile, world);
    let row = |wanted: &Permission, kind: &str| {
        [wanted.permission.clone(), kind.to_owned(), resource(wanted).to_owned()]
    };
    let needed = list.iter().filter(|wanted| wanted.is_for(protocol)).map(|wanted| row(wanted, kind));
    let optional = all.optional.iter().filter(|wanted| wanted.is_for(protocol));
    let rows: Vec<[String; 3]> = needed.chain(optional.map(|wanted| row(wanted, "also asked for"))).collect();
    if !rows.is_empty() {
        sheet.heading("Permissions");
        sheet.table(["Permission", "Kind", "Of"], &rows);
    }
}

fn network(sheet: &mut Sheet, hosts: &[Host]) {
    sheet.heading("Hosts");
    let row = |host: &Host| [host.name.clone(), format!("TCP {}", host.port), host.purpose.clone()];
    sheet.table(["Host", "Port", "For"], &hosts.iter().map(row).collect::<Vec<_>>());
}

fn statements(sheet: &mut Sheet, profile: &Profile) {
    sheet.heading("What is said, and what holds today");
    for (index, said) in profile.statement.iter().enumerate() {
        if index > 0 {
            sheet.gap();
        }
        statement(sheet, said);
    }
}

fn steps(sheet: &mut Sheet, catalogue: &Catalogue, profile: &Profile, needs: &[Requirement<'_>]) {
    let mut area = "";
    for need in needs {
        if need.check.area() != area {
            area = need.check.area();
            sheet.heading(catalogue.area_title(area));
        }
        let advised = if need.level == Level::Advised { " (advised)" } else { "" };
        sheet.subheading(&format!("{}{advised}", need.check.title()));
        sheet.text(&need.check.file().why, Paint::Plain);
        if let Some(ask) = &need.check.file().ask {
            sheet.labelled("Question", &ask.question);
        }
        if need.steps.is_empty() {
            continue;
        }
        sheet.text("Where it is not so:", Paint::Plain);
        // A step about a command makes no sense without it.
        let told = |step: &&String| need.command.is_some() || !step.contains("command");
        for (number, step) in need.steps.iter().filter(told).enumerate() {
            sheet.step(number + 1, step);
        }
        if let Some(command) = &need.command {
            sheet.command(command);
        }
        let by: Vec<&str> = [need.who, need.role].into_iter().flatten().collect();
        if !by.is_empty() {
            sheet.labelled("By", &by.join("; least role: "));
        }
        if let Some(settles) = &need.settles {
            let text = format!("{} as a rule, {} at the longest", span(&settles.usual), span(&settles.max));
            sheet.labelled("Acts after", &text);
        }
        let said = profile.statements_about(need.check.id()).filter(|said| said.of == profile.name);
        for said in said {
            sheet.labelled("Rests on", &said.url);
        }
    }
}

fn sources(sheet: &mut Sheet, profile: &Profile, needs: &[Requirement<'_>]) {
    sheet.heading("Sources");
    let mut seen: Vec<&str> = profile.statement.iter().map(|said| said.url.as_str()).collect();
    for reference in needs.iter().flat_map(|need| &need.check.file().reference) {
        if !seen.contains(&reference.url.as_str()) {
            seen.push(&reference.url);
            sheet.link(&reference.title, &reference.url);
        }
    }
}
