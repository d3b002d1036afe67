//! The script that registers the reader: the least permissions put into a text that is the same for all.

use super::args::Shell;
use crate::{
    collect::{Cloud, permission_ids, reader},
    report::permissions::Plan,
};

const POWERSHELL: &str = include_str!("reader.ps1");
const SH: &str = include_str!("reader.sh");

/// The directory role Global Reader.
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";

/// Where the script is to work.
pub struct Place {
    /// Tenant: domain or id.
    pub tenant: String,
    /// National cloud.
    pub cloud: Cloud,
    /// Base address of Graph.
    pub graph: String,
}

/// The whole script.
pub fn render(shell: Shell, plan: &Plan, place: &Place) -> String {
    let wanted: Vec<(&str, &str)> = plan
        .least
        .iter()
        .map(|one| match one.resource.as_str() {
            "exchange" => (permission_ids::EXCHANGE, permission_of(&one.name)),
            _ => (permission_ids::GRAPH, one.name.as_str()),
        })
        .collect();
    let exchange = plan.least.iter().any(|one| one.name == reader::EXCHANGE);
    let lines = |line: &dyn Fn(&str, &str) -> String| {
        wanted.iter().map(|(resource, name)| line(resource, name)).collect::<Vec<_>>().join("\n")
    };
    let (template, name, value) = match shell {
        Shell::Powershell => (
            POWERSHELL,
            "@WANTED_PS@",
            lines(&|resource, name| format!("    @{{ Resource = '{resource}'; Permission = '{name}' }}")),
        ),
        Shell::Sh => (SH, "@WANTED_SH@", lines(&|resource, name| format!("grant {resource} {name}"))),
    };
    template
        .replace(name, &value)
        .replace("@ABOUT@", &plan.about.join("; ").replace(['\n', '\r'], " "))
        .replace("@TENANT@", &harmless(&place.tenant))
        .replace("@GRAPH@", place.graph.trim_end_matches('/'))
        .replace("@ENVIRONMENT@", environment(place.cloud))
        .replace("@ROLE@", if exchange { GLOBAL_READER } else { "" })
}

/// The app permission in a name that also names a role.
fn permission_of(name: &str) -> &str {
    name.split(" + ").next().unwrap_or(name)
}

/// A domain or an id holds nothing but these, so nothing can leave its quotes.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect()
}

/// As `Connect-MgGraph -Environment` wants it.
fn environment(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Worldwide => "Global",
        Cloud::GccHigh => "USGov",
        Cloud::Dod => "USGovDoD",
        Cloud::China => "China",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::permissions::Permission;

    fn plan() -> Plan {
        let one = |name: &str, resource: &str| Permission {
            name: name.into(),
            resource: resource.into(),
            opens: String::new(),
            role: String::new(),
            included_in: Vec::new(),
            checks: Vec::new(),
        };
        Plan {
            least: vec![one("User.Read.All", "graph"), one(reader::EXCHANGE, "exchange")],
            ..Plan::default()
        }
    }

    fn place(tenant: &str) -> Place {
        Place { tenant: tenant.into(), cloud: Cloud::Worldwide, graph: "https://graph.microsoft.com/".into() }
    }

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for shell in [Shell::Powershell, Shell::Sh] {
            let script = render(shell, &plan(), &place("contoso.com"));
            for part in ["ABOUT", "TENANT", "WANTED_PS", "WANTED_SH", "GRAPH", "ENVIRONMENT", "ROLE"] {
                assert!(!script.contains(&format!("@{part}@")), "{part}");
            }
            for part in ["User.Read.All", "Exchange.ManageAsApp", GLOBAL_READER, "contoso.com"] {
                assert!(script.contains(part), "{part}");
            }
            assert!(!script.contains("Global Reader'"), "the role is no permission");
        }
    }

    #[test]
    fn a_tenant_cannot_leave_its_quotes() {
        let script = render(Shell::Sh, &plan(), &place("a'; rm -rf /; '"));
        assert!(script.contains("tenant='arm-rf'"), "{script}");
    }

    #[test]
    fn neither_script_takes_anything_away() {
        for shell in [Shell::Powershell, Shell::Sh] {
            let script = render(shell, &plan(), &place("contoso.com")).to_lowercase();
            for verb in ["remove-mg", "--method delete", "--method put", "addpassword", "--method patch"] {
                assert!(!script.contains(verb), "{verb}");
            }
        }
    }
}
