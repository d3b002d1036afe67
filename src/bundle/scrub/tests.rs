use super::*;

fn scrub(lines: &[&str]) -> Vec<String> {
    let mut book = Book::new(false);
    book.address("svc-sync@contoso.com");
    book.name("Anna Kowalczyk");
    book.named("group", "Vertrieb Süd");
    let scrubber = Scrubber::new(&book);
    lines.iter().map(|line| scrubber.text(&mut book, line, Text::Log)).collect()
}

#[test]
fn what_is_personal_goes_and_what_support_needs_stays() {
    for (text, shown) in [
        ("user svc-sync@contoso.com failed", "user user-1@domain-1.example failed"),
        ("smtp:SVC-SYNC@CONTOSO.COM;", "smtp:USER-1@DOMAIN-1.example;"),
        ("to=svc-sync%40contoso.com&x=1", "to=user-1%40domain-1.example&x=1"),
        ("To: svc-sync=40contoso.com", "To: user-1=40domain-1.example"),
        ("Anna Kowalczyk and KOWALCZYK", "Name-1 and NAME-3"),
        ("Vertrieb%20S%C3%BCd", "Group-1"),
        ("Vertrieb S\\u00fcd", "Group-1"),
        ("Vertrieb S=C3=BCd", "Group-1"),
        ("CONTOSO\\svc-sync", "DOMAIN-1\\user-1"),
        ("adfs.contoso.com refused", "adfs.domain-1.example refused"),
        ("on contosofiles01", "on domain-1files01"),
        ("AADSTS50076: a second factor", "AADSTS50076: a second factor"),
        ("System.Net.WebException at Foo.cs:12", "System.Net.WebException at Foo.cs:12"),
        (
            "request-id: 0a0a0a0a-0000-4000-8000-000000000001",
            "request-id: 0a0a0a0a-0000-4000-8000-000000000001",
        ),
        ("tenant 0a0a0a0a-0000-4000-8000-000000000001", "tenant 1d000000-0000-8000-8000-000000000001"),
        ("app 00000003-0000-0000-c000-000000000000", "app 00000003-0000-0000-c000-000000000000"),
        ("from 203.0.113.7:443 version 15.2.1748.10", "from 198.18.0.1:443 version 15.2.1748.10"),
        ("2026-11-21T08:00:00Z 08:00:01.123 12:30", "2026-11-21T08:00:00Z 08:00:01.123 12:30"),
        ("C:\\Users\\anna\\log.txt", "C:\\Users\\user-2\\log.txt"),
        ("\\\\ex01\\share", "\\\\host-1\\share"),
        ("call +49 89 1234567 now", "call phone-1 now"),
        ("CN=Anna Kowalczyk,OU=Sales,DC=contoso,DC=com", "CN=Name-1,OU=Unit-1,DC=domain-1,DC=com"),
        ("\"displayName\":\"Jan Nowak\",", "\"displayName\":\"Name-4\","),
        (
            "https://outlook.office365.com/EWS/Exchange.asmx",
            "https://outlook.office365.com/EWS/Exchange.asmx",
        ),
    ] {
        assert_eq!(scrub(&[text]), [shown], "{text}");
    }
}

#[test]
fn names_in_prose_go_in_every_shape() {
    let (gone, names) = (["doe", "jane", "wisniewska", "zofia", "groß", "jürgen"], "name-");
    for text in [
        "cannot sync user Jane Doe: timeout",
        "From: \"Doe, Jane\" <jd@contoso.com>",
        "opening the calendar of Jane Doe (jd@contoso.com)",
        "CN=Jane Doe,OU=Sales,DC=contoso,DC=com",
        "EX:/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=Jane Doe",
        "owner Jürgen Groß",
        "Dear Jane,",
    ] {
        let shown = scrub(&[text]).remove(0).to_lowercase();
        assert!(gone.iter().all(|name| !shown.contains(name)) && shown.contains(names), "{text}: {shown}");
    }
}

#[test]
fn the_name_that_an_address_is_made_of_goes_wherever_it_stands() {
    let mut book = Book::new(false);
    book.address("bo.li@contoso.com");
    book.address("zofia_wisniewska@contoso.com");
    book.name("Jane Mary Doe");
    let scrubber = Scrubber::new(&book);
    for text in [
        "done with Bo Li at last",
        "Li, Bo was skipped",
        "first Zofia Wisniewska, then others",
        "WISNIEWSKA, ZOFIA",
        "z.wisniewska has logged on",
        "profile jdoe, folder Jane.Doe, list Doe, Jane Mary",
    ] {
        let shown = scrubber.text(&mut book, text, Text::Log).to_lowercase();
        for gone in ["bo li", "li, bo", "zofia", "wisniewska", "doe", "jane"] {
            assert!(!shown.contains(gone), "{gone} in {text}: {shown}");
        }
    }
    let kept = "the shared mailbox service is not available";
    book.address("shared.mailbox@contoso.com");
    assert_eq!(Scrubber::new(&book).text(&mut book, kept, Text::Log), kept);
}

#[test]
fn secrets_and_packed_data_go() {
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2cifQ.c2lnbmF0dXJlc2lnbmF0dXJl";
    let lines = [
        format!("Authorization: Bearer {jwt}"),
        "password=hunter2secret".to_owned(),
        "blob c3ZjLXN5bmNAY29udG9zby5jb20= end".to_owned(),
        "key 9f86d081884c7d659a2feaa0c55ad015 end".to_owned(),
    ];
    for line in &lines {
        let shown = scrub(&[line]).remove(0);
        assert!(shown.contains("removed]"), "{shown}");
        for gone in [jwt, "hunter2", "c3ZjLXN5", "9f86d081"] {
            assert!(!shown.contains(gone), "{shown}");
        }
    }
}

#[test]
fn secrets_go_from_bundles_that_keep_names_too() {
    let mut book = Book::new(true);
    let scrubber = Scrubber::new(&book);
    let shown = scrubber.text(&mut book, "alice@contoso.com password=hunter2secret", Text::Log);
    assert!(shown.starts_with("alice@contoso.com") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn words_of_a_server_lose_what_only_it_knows() {
    let mut book = Book::new(false);
    let scrubber = Scrubber::new(&book);
    let text = "The mailbox 'Vertrieb' of Kowalczyk is not enabled for this tenant 'Fabrikam Ltd'. ErrorAccessDenied";
    let shown = scrubber.text(&mut book, text, Text::Answer);
    assert_eq!(
        shown,
        "The mailbox 'Word-1' of Word-3 is not enabled for this tenant 'Word-2'. ErrorAccessDenied"
    );
}

#[test]
fn what_was_scrubbed_is_not_scrubbed_again() {
    let mut book = Book::new(false);
    let scrubber = Scrubber::new(&book);
    let text = "svc@contoso.com 203.0.113.7 0a0a0a0a-0000-4000-8000-000000000001 https://mail.contoso.com/x/Kowalczyk";
    let once = scrubber.text(&mut book, text, Text::Answer);
    assert_eq!(scrubber.text(&mut book, &once, Text::Answer), once);
}
