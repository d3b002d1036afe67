//! How identities of the configuration sign in: from its tables, files and the environment to what the
//! collectors use.

use std::path::Path;

use toml::Spanned;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{
    Source, Vault,
    file::{ActiveDirectory as RawDirectory, Certificate, Reader as Raw, ReaderSignIn},
    secret::{SHAPES, private_file},
};
use crate::{
    cli::problem::Problem,
    collect::{ActiveDirectory, Reader, SignIn},
    wire::{Secret, certificate::AppKey, sign_in::ManagedIdentity},
};

/// What the Azure CLI is asked.
const AZURE_CLI: [&str; 9] = [
    "az",
    "account",
    "get-access-token",
    "--resource",
    "{resource}",
    "--tenant",
    "{tenant}",
    "--output",
    "json",
];

/// The reader of the configuration.
///
/// # Errors
///
/// When something is missing, does not belong together, or cannot be read.
pub fn reader(source: &Source, vault: &mut Vault, table: &Spanned<Raw>) -> Result<Reader, Problem> {
    let asked = Asked { source, table };
    let given = table.get_ref().sign_in.as_ref().ok_or_else(|| asked.missing("sign_in"))?;
    asked.check_keys(*given.get_ref())?;
    let mut client_id = table.get_ref().client_id.as_ref().map(|id| id.get_ref().clone());
    let sign_in = match given.get_ref() {
        ReaderSignIn::AzureCli => {
            SignIn::Command { kind: "azure-cli", argv: AZURE_CLI.map(str::to_owned).to_vec() }
        }
        ReaderSignIn::Browser => SignIn::Session { kind: "browser", token: None },
        ReaderSignIn::ClientCertificate => {
            let given = table.get_ref().certificate.as_ref();
            SignIn::Certificate(certificate(source, given.ok_or_else(|| asked.missing("certificate"))?)?)
        }
        ReaderSignIn::ClientSecret => SignIn::ClientSecret(asked.secret(vault)?),
        ReaderSignIn::DeviceCode => SignIn::Session { kind: "device-code", token: None },
        ReaderSignIn::ManagedIdentity => SignIn::ManagedIdentity(managed_identity(&asked)?),
        ReaderSignIn::Password => {
            let username = table.get_ref().username.clone().ok_or_else(|| asked.missing("username"))?;
            SignIn::Password { username, password: asked.secret(vault)? }
        }
        ReaderSignIn::TokenCommand => {
            let given = table.get_ref().token_command.as_ref();
            let argv = given.ok_or_else(|| asked.missing("token_command"))?.get_ref().clone();
            SignIn::Command { kind: "token-command", argv }
        }
        ReaderSignIn::WorkloadIdentity => {
            client_id = client_id.or_else(|| environment("AZURE_CLIENT_ID"));
            SignIn::Federated(federated(&asked)?)
        }
    };
    let brought = matches!(sign_in, SignIn::Command { .. } | SignIn::ManagedIdentity(_));
    if client_id.is_none() && !brought {
        return Err(asked.missing("client_id"));
    }
    Ok(Reader { sign_in, client_id })
}

/// A certificate with its key.
///
/// # Errors
///
/// When a file cannot be read, its key can be read by others, or both cannot be used.
pub fn certificate(source: &Source, given: &Spanned<Certificate>) -> Result<AppKey, Problem> {
    let refuse = |message: String, help: Option<&str>| {
        let problem = source.problem(given.span(), message, "asked for here");
        help.into_iter().filter(|help| !help.is_empty()).fold(problem, Problem::help)
    };
    let private = |path: &Path| private_file(path).map_err(|(message, help)| refuse(message, Some(&help)));
    let path = source.folder.join(&given.get_ref().file);
    let (certificate, key) = match &given.get_ref().key_file {
        Some(key_file) => {
            let read = std::fs::read(&path).map(Zeroizing::new);
            let read = read.map_err(|error| refuse(format!("cannot read {}: {error}", path.display()), None));
            (read?, Some(private(&source.folder.join(key_file))?))
        }
        None => (private(&path)?, None),
    };
    AppKey::from_pem(&certificate, key.as_ref().unwrap_or(&certificate)).map_err(|error| {
        let message = format!("the certificate {} is of no use: {error}", path.display());
        refuse(message, error.help())
    })
}

/// The domain controller of the configuration.
///
/// # Errors
///
/// When its address is none, or half of its reader is missing.
pub fn active_directory(
    source: &Source,
    vault: &mut Vault,
    table: &Spanned<RawDirectory>,
) -> Result<ActiveDirectory, Problem> {
    let (span, raw) = (table.span(), table.get_ref());
    let Some(given) = &raw.url else {
        return Err(source.problem(span, "Active Directory has no `url`", "one is needed"));
    };
    let url = Url::parse(given.get_ref()).ok().filter(|url| matches!(url.scheme(), "ldaps" | "ldap"));
    let url = url.filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
    let url = url.ok_or_else(|| {
        let message = "a domain controller is a URL like ldaps://dc01.contoso.com";
        source.problem(given.span(), message, "not usable")
    })?;
    let identity = match (&raw.username, &raw.secret) {
        (Some(username), Some(secret)) => {
            Some((username.clone(), vault.open(source, secret, "the reader of Active Directory")?))
        }
        (None, None) => None,
        _ => {
            let message = "the reader of Active Directory needs both `username` and `secret`";
            return Err(source.problem(span, message, "or neither: then the service account reads"));
        }
    };
    Ok(ActiveDirectory { url, identity, base_dn: raw.base_dn.clone() })
}

struct Asked<'a> {
    source: &'a Source,
    table: &'a Spanned<Raw>,
}

impl Asked<'_> {
    fn problem(&self, message: impl Into<String>, label: &str) -> Problem {
        self.source.problem(self.table.span(), message, label)
    }

    fn missing(&self, key: &str) -> Problem {
        self.problem(format!("the reader has no `{key}`"), "one is needed")
    }

    fn secret(&self, vault: &mut Vault) -> Result<Secret, Problem> {
        let wanted = self.table.get_ref().secret.as_ref();
        vault.open(self.source, wanted.ok_or_else(|| self.missing("secret").help(SHAPES))?, "the reader")
    }

    /// Refuses keys that another way of signing in would read.
    fn check_keys(&self, sign_in: ReaderSignIn) -> Result<(), Problem> {
        let raw = self.table.get_ref();
        let keys = [
            (
                "secret",
                raw.secret.is_some(),
                matches!(sign_in, ReaderSignIn::ClientSecret | ReaderSignIn::Password),
            ),
            ("certificate", raw.certificate.is_some(), sign_in == ReaderSignIn::ClientCertificate),
            ("token_command", raw.token_command.is_some(), sign_in == ReaderSignIn::TokenCommand),
            ("username", raw.username.is_some(), sign_in == ReaderSignIn::Password),
        ];
        match keys.iter().find(|(_, given, wanted)| *given && !*wanted) {
            Some((key, ..)) => {
                let message = format!("this way to sign in knows no `{key}`");
                Err(self.problem(message, "impossible combination"))
            }
            None => Ok(()),
        }
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// As the platform of the Azure resource says by its environment; a virtual machine says nothing.
fn managed_identity(asked: &Asked<'_>) -> Result<ManagedIdentity, Problem> {
    let (Some(endpoint), Some(header)) = (environment("IDENTITY_ENDPOINT"), environment("IDENTITY_HEADER"))
    else {
        return Ok(ManagedIdentity::Machine);
    };
    let endpoint = Url::parse(&endpoint).ok().filter(is_near);
    let endpoint = endpoint.ok_or_else(|| {
        let message = "the environment variable IDENTITY_ENDPOINT holds no address of this machine";
        asked.problem(message, "asked for here")
    })?;
    Ok(ManagedIdentity::AppService { endpoint, header: Secret::new(header) })
}

/// Plain HTTP is right for what does not leave the machine.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local() || url.scheme() == "https",
        Some(Host::Domain("localhost")) => true,
        Some(_) => url.scheme() == "https",
        None => false,
    }
}

fn federated(asked: &Asked<'_>) -> Result<Secret, Problem> {
    const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let refuse = |message: String| asked.problem(message, "asked for here");
    let path =
        environment(FILE).ok_or_else(|| refuse(format!("the environment variable {FILE} is not set")))?;
    let text = std::fs::read_to_string(&path).map(Zeroizing::new);
    let text = text.map_err(|error| refuse(format!("cannot read {path}: {error}")))?;
    let assertion = text.trim();
    if assertion.split('.').count() != 3 {
        return Err(refuse(format!("{path} holds no token")));
    }
    Ok(Secret::new(assertion))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reader, String> {
        let source = Source { name: "a.toml".into(), folder: ".".into(), text: text.into() };
        let (file, source) =
            super::super::load(source, &[]).map_err(|problem| problem.message().to_owned())?;
        let table = file.reader.expect("a reader");
        reader(&source, &mut Vault::default(), &table).map_err(|problem| problem.message().to_owned())
    }

    #[test]
    fn a_person_needs_an_app_and_no_secret() {
        let reader = read("[reader]\nsign_in = \"browser\"\nclient_id = \"c\"\n").expect("read");
        assert_eq!(reader.sign_in.kind(), "browser");
        assert_eq!(
            read("[reader]\nsign_in = \"device-code\"\n").expect_err("refused"),
            "the reader has no `client_id`"
        );
    }

    #[test]
    fn the_azure_cli_needs_nothing() {
        assert_eq!(read("[reader]\nsign_in = \"azure-cli\"\n").expect("read").sign_in.kind(), "azure-cli");
    }

    #[test]
    fn what_another_way_would_read_is_refused() {
        let text = "[reader]\nsign_in = \"azure-cli\"\nsecret = { env = \"PATH\" }\n";
        assert_eq!(read(text).expect_err("refused"), "this way to sign in knows no `secret`");
    }

    #[test]
    fn a_certificate_file_that_is_missing_is_named() {
        let text = "[reader]\nsign_in = \"client-certificate\"\nclient_id = \"c\"\ncertificate = { file = \"no.pem\" }\n";
        assert!(read(text).expect_err("refused").contains("no.pem"));
    }

    fn directory(text: &str) -> Result<ActiveDirectory, String> {
        let source = Source { name: "a.toml".into(), folder: ".".into(), text: text.into() };
        let (file, source) =
            super::super::load(source, &[]).map_err(|problem| problem.message().to_owned())?;
        let table = file.active_directory.expect("a domain controller");
        active_directory(&source, &mut Vault::default(), &table)
            .map_err(|problem| problem.message().to_owned())
    }

    #[test]
    fn a_domain_controller_is_an_ldap_address() {
        assert!(directory("[active_directory]\nurl = \"ldaps://dc01.contoso.com\"\n").is_ok());
        for url in ["https://dc01.contoso.com", "ldaps://", "dc01", "ldaps://u:p@dc01"] {
            let error = directory(&format!("[active_directory]\nurl = \"{url}\"\n")).expect_err("refused");
            assert!(error.contains("ldaps://dc01.contoso.com"), "{url}: {error}");
        }
    }

    #[test]
    fn half_a_reader_is_none() {
        let text = "[active_directory]\nurl = \"ldaps://dc\"\nusername = \"CONTOSO\\\\reader\"\n";
        assert!(directory(text).expect_err("refused").contains("both"));
    }

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        let near = |text: &str| Url::parse(text).is_ok_and(|url| is_near(&url));
        assert!(near("http://127.0.0.1:41/x") && near("http://169.254.129.2:80/x"));
        assert!(!near("http://10.0.0.4/x") && !near("http://identity.contoso.com/x"));
    }
}
