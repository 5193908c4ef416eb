//! The house rules that no lint knows: what may use what, how long things may be, which words do
//! not belong where. Each rule is a function over source texts. Here it runs over the repository;
//! in its own file it also runs over a bad sample, which proves that it can fail.

mod citations;
mod dependencies;
mod fuzz;
mod heads;
mod layers;
mod paths;
mod secrets;
mod server;
mod sizes;
mod source;
mod texts;
mod words;

use source::{Source, Tree};

#[test]
fn a_module_of_the_worker_uses_its_own_layer_and_those_below() {
    none(layers::broken(&worker_sources()));
}

#[test]
fn every_module_of_the_worker_has_a_layer() {
    none(layers::unlisted(&worker_sources()));
}

#[test]
fn what_is_below_in_the_server_knows_nothing_of_what_is_above() {
    let sources = Tree::of_repository().under("crates/server/src/");
    assert!(sources.len() > 10, "the server's sources have moved");
    none(server::broken(&sources));
}

#[test]
fn files_are_short() {
    let tree = Tree::of_repository();
    for line in sizes::long_files(tree.sources()) {
        println!("long: {line}");
    }
    none(sizes::refused_files(tree.sources()));
}

#[test]
fn lines_of_the_page_are_short() {
    none(sizes::long_lines(Tree::of_repository().sources()));
}

#[test]
fn functions_are_short() {
    none(sizes::long_functions(Tree::of_repository().rust()));
}

#[test]
fn an_adapter_only_translates() {
    none(sizes::thick_adapters(
        &Tree::of_repository().under("crates/server/src/"),
    ));
}

#[test]
fn the_core_of_the_worker_names_nothing_of_the_world_outside() {
    none(words::outside_the_shell(&worker_sources()));
}

#[test]
fn the_channel_is_known_at_the_edge_alone() {
    none(words::outside_the_edge(&worker_sources()));
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    none(words::without_safety(Tree::of_repository().rust()));
}

#[test]
fn no_test_is_ignored_and_no_lint_is_allowed() {
    none(words::attributes(Tree::of_repository().rust()));
}

#[test]
fn nothing_is_left_unfinished() {
    let tree = Tree::of_repository();
    none(words::unfinished(tree.sources()));
    none(words::macros(tree.rust()));
}

#[test]
fn names_say_what_a_thing_is() {
    none(words::empty_names(Tree::of_repository().rust()));
}

#[test]
fn texts_name_no_machine() {
    let tree = Tree::of_repository();
    none(texts::paths_of_a_machine(tree.texts()));
    none(texts::registry_hosts(tree.texts()));
}

#[test]
fn every_file_of_code_says_what_it_is_for() {
    let tree = Tree::of_repository();
    none(heads::missing(tree.rust()));
}

#[test]
fn every_citation_leads_to_a_page() {
    let tree = Tree::of_repository();
    none(citations::papers(tree.texts()));
    none(citations::pages(tree.texts()));
    none(citations::rfcs(tree.rust()));
}

#[test]
fn every_file_that_a_page_names_is_there() {
    none(citations::files(Tree::of_repository().texts()));
}

#[test]
fn every_rule_of_security_names_the_tests_that_keep_it() {
    let tree = Tree::of_repository();
    let page = tree.texts().iter();
    let page = page.clone().find(|page| page.path == "docs/security.md");
    none(citations::tests_of_rules(page.unwrap(), tree.texts()));
}

#[test]
fn secrets_are_compared_in_constant_time() {
    let tree = Tree::of_repository();
    none(secrets::compared(tree.rust()));
    // The independent client guards nobody's secrets.
    let mut holders = tree.under("crates/");
    holders.retain(|source| !source.path.starts_with("crates/peer/"));
    none(secrets::comparable(&holders));
}

#[test]
fn crates_depend_in_one_direction() {
    none(dependencies::direction(&manifests()));
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    none(dependencies::lints(&manifests()));
}

#[test]
fn the_schemas_are_one_file_for_each_entity() {
    let tree = Tree::of_repository();
    none(texts::schemas(&tree.under("schemas/")));
}

#[test]
fn what_can_be_fuzzed_has_a_target() {
    let mut functions = Tree::of_repository().under("crates/worker/src/fuzz.rs");
    let functions = functions.remove(0);
    none(fuzz::without_target(
        &functions,
        &Tree::of_repository().under("fuzz/"),
    ));
}

fn worker_sources() -> Vec<Source> {
    let sources = Tree::of_repository().under("crates/worker/src/");
    assert!(sources.len() > 10, "the worker's sources have moved");
    sources
}

/// The manifests of the workspace's packages.
fn manifests() -> Vec<Source> {
    let mut manifests = Tree::of_repository().named("Cargo.toml");
    manifests
        .retain(|manifest| !manifest.path.starts_with("fuzz/") && manifest.path != "Cargo.toml");
    assert!(manifests.len() >= 7, "the packages have moved");
    manifests
}

/// Fails with all that was found.
#[track_caller]
fn none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
