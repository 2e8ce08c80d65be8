//! What verbs do to particular objects, each with a neighbour that is none of it.

use serde_json::json;

use super::{check, tool, with_schema};
use crate::assessment::Category::{self, Destructive, Execute, Financial, Read, Write};

fn all(cases: &[(&str, &str, Category)]) {
    for &(name, description, expected) in cases {
        check(&tool(name, description), expected);
    }
}

#[test]
fn work_that_is_cancelled_is_lost_and_a_search_is_not() {
    all(&[
        ("cancel_job", "Cancels a running job", Destructive),
        ("abort_run", "Aborts a run", Destructive),
        ("cancel_deploy", "", Destructive),
        ("cancel_search", "Cancels a search", Execute),
        ("cancel_sql_query", "", Execute),
        ("resume_rollout", "Resumes a rollout", Execute),
        ("resume_subscription", "Resumes a subscription to a topic", Write),
    ]);
}

#[test]
fn what_gave_access_and_is_ended() {
    all(&[
        ("deactivate_card", "Deactivates a card", Destructive),
        ("deactivate_key", "Deactivates an API key", Destructive),
        ("deactivate_rule", "Deactivates a rule", Write),
        ("close_env", "Closes the environment and cleans up its resources", Destructive),
        ("versions", "Manage the history of versions and rollbacks", Destructive),
        ("versions", "Manage the history of versions", Write),
    ]);
}

#[test]
fn signatures_bills_and_bridges() {
    all(&[
        ("sign_typed_data", "Signs typed data with a wallet", Financial),
        ("sign_transaction", "Signs a transaction", Financial),
        ("sign_message", "Signs a message with a wallet", Execute),
        ("add_invoice_item", "Creates an item of an invoice", Financial),
        ("create_line_item", "", Financial),
        ("create_menu_item", "", Write),
        ("bridge_assets", "Bridges USDC to another chain", Financial),
        ("bridge_request", "", Execute),
    ]);
    let amount = json!({"amount": {"type": "string"}});
    check(&with_schema("bridge", "", &amount), Financial);
}

#[test]
fn people_are_told_and_sites_go_live() {
    all(&[
        ("trigger_notification", "Triggers a notification", Write),
        ("trigger_build", "Triggers a build", Execute),
        ("vote_in_poll", "", Write),
        ("poll_result", "", Read),
        ("emulate", "Emulates a slow network", Write),
        ("throttle", "Throttles the network", Write),
        ("publish_site", "", Execute),
        ("publish_package", "Publishes a package", Execute),
        ("publish_comment", "Publishes a comment", Write),
    ]);
}

#[test]
fn a_query_of_which_nothing_is_said_is_free() {
    let query = json!({"query": {"type": "string"}});
    check(&with_schema("query", "", &query), Execute);
    check(&with_schema("search", "", &query), Read);
    check(&with_schema("query", "Looks a word up", &query), Read);
}

#[test]
fn media_are_made_by_a_model_and_text_is_returned() {
    let prompt = json!({"prompt": {"type": "string"}});
    for (name, description, expected) in [
        ("code_maker", "Generate code of a page", Read),
        ("page_generator", "Generates code", Read),
        ("music_generation", "Describe a sound", Execute),
        ("interpolate_clips", "Makes the step between two videos smooth", Execute),
        ("interpolate", "Interpolates numbers", Read),
        ("make_film", "Create a film plan for video generation", Write),
        ("make_film", "Create a video of a cat", Execute),
    ] {
        check(&with_schema(name, description, &prompt), expected);
    }
    check(&tool("build_video", "Create a video of pictures using ffmpeg"), Write);
    check(&tool("plot", "Generate a plot. Args: save_path: where it goes"), Write);
    check(&tool("plot", "Generate a plot. Args: width: how wide it is"), Read);
}

#[test]
fn questions_examples_and_calls_of_the_tool_itself() {
    all(&[
        ("guard_should_delete", "Tells whether an entry is old", Read),
        ("guard_delete", "Deletes an old entry", Destructive),
        ("get_notes", "Call this tool to get notes", Read),
        ("notes", "Call this tool to delete notes", Destructive),
        ("call", "Call the tool of another server", Execute),
        ("find_entry", "Example `Create an entry`", Read),
        ("entries", "Create an entry", Write),
        ("delete_tag", "Deletes a tag from a note", Write),
        ("delete_tag", "Deletes a tag", Destructive),
        ("delete_note", "Deletes a note from a notebook", Destructive),
    ]);
}

#[test]
fn what_cannot_be_called_back() {
    all(&[
        ("factory_reset", "Restore a device to its first state", Destructive),
        ("factory_list", "Lists factories", Read),
        ("regenerate_api_key", "", Destructive),
        ("regenerate_thumbnail", "Regenerates a thumbnail", Execute),
        ("recall_message", "Recalls a message", Destructive),
        ("recall_fact", "Recalls a fact", Read),
        ("release_ip", "Releases an IP address", Destructive),
        ("release_version", "Releases a version", Write),
        ("format_disk", "Formats a disk", Destructive),
        ("format_text", "Formats a text", Read),
        ("purge_vault", "Purges a soft-deleted vault", Destructive),
        ("close_account", "Permanently close an account", Destructive),
        ("rotate_key", "Rotate a key, which invalidates the old one", Destructive),
        ("rotate_image", "Rotate an image", Write),
        ("records", "Perform CRUD operations on records", Destructive),
        ("crud_code", "Generate code for CRUD operations", Read),
        ("delete_bookmark", "Removes a post from the bookmarks", Write),
        ("delete_post", "Removes a post from the blog", Destructive),
    ]);
}

#[test]
fn more_ways_to_pay() {
    all(&[
        ("renew_domain", "Renews a domain", Financial),
        ("renew_lock", "Renews a lock", Write),
        ("run_payroll", "Runs the payroll", Financial),
        ("exchange", "Exchange one currency for another", Financial),
        ("exchange_rates", "Shows what a currency is worth", Read),
        ("hire", "Hires a freelancer", Financial),
        ("release_escrow", "", Financial),
        ("accept_quote", "Accepts a quote", Financial),
        ("accept_invitation", "Accepts an invitation", Write),
        ("collect_payment", "", Financial),
        ("collect_logs", "", Read),
        ("broadcast", "Broadcasts a message", Write),
        ("picture_seed", "Gets the seed of a picture", Read),
    ]);
}

#[test]
fn words_of_other_languages_are_no_english_ones() {
    all(&[
        ("files", "File work such as conversions", Read),
        ("public_holidays", "Public holidays of a country", Read),
        ("executive_biography", "", Read),
        ("background_remover", "", Read),
        ("werkzeug", "Suche einen Ort", Read),
        ("outil", "Publier un article", Write),
        ("删除文件", "", Destructive),
        ("文件列表查询", "", Read),
    ]);
}

#[test]
fn nouns_that_look_like_verbs() {
    all(&[
        ("stake_info", "", Read),
        ("run_history", "", Read),
        ("clear_history", "", Destructive),
        ("drop_rate", "Gets how often a thing is dropped", Read),
        ("drop_table", "", Destructive),
        ("mysto_drop_collection", "", Destructive),
        ("files", "Perform file operations such as read, write and delete on a disk", Destructive),
        ("files", "Perform file operations such as read and list on a disk", Read),
        ("force_stop_app", "", Execute),
        ("buy_signal", "Gets signals", Read),
        ("drag_and_drop", "Drags an element and drops it on another", Execute),
        ("search_and_drop", "", Destructive),
        ("strip_text", "Strips a text", Read),
        ("confirm", "Confirm a stay and charge the card", Financial),
        ("cancel", "Cancel a pending or open order", Destructive),
        ("helper", "A model to autonomously run errands", Execute),
    ]);
}

#[test]
fn more_ends_and_plans() {
    all(&[
        ("change_plan", "", Financial),
        ("update_plan", "Updates a plan of steps", Write),
        ("end_listing", "Ends a listing", Destructive),
        ("end_conversation", "", Write),
        ("end_date", "", Read),
        ("fail_over", "Fails over to the second site", Execute),
        ("burn_token", "", Financial),
        ("queue_status", "", Read),
        ("issue_card", "Issues a card", Financial),
        ("create_card", "Creates a card of a board", Write),
        ("wire_money", "", Financial),
        ("wire_parts", "", Write),
    ]);
}

#[test]
fn sentences_that_do_not_begin_with_their_verb() {
    all(&[
        ("a", "Use when the user asks to cancel an order", Destructive),
        ("a", "Asks a question", Read),
        ("a", "Call this when you need to remove a file.", Destructive),
        ("a", "Given an id, deletes the entry.", Destructive),
        ("a", "Given an id, returns what was deleted.", Read),
        ("a", "Bulk deletion of entries", Destructive),
        ("a", "Deletion policy of a shop", Read),
        ("a", "Soft delete an entry", Write),
        ("a", "Mass delete entries", Destructive),
        ("a", "Drop-down choices of a form", Read),
        ("a", "Clear overview of a plan", Read),
        ("a", "Clear an entry", Destructive),
        ("a", "Issues a full or partial refund", Financial),
        ("a", "Refund policy of a shop", Read),
        ("a", "Refund an order", Financial),
    ]);
}

#[test]
fn what_is_withdrawn_and_what_is_replaced() {
    all(&[
        ("a", "Withdraw an application", Destructive),
        ("a", "Withdraw an amount", Financial),
        ("a", "Sends a DELETE request", Destructive),
        ("a", "Sends a POST request", Execute),
        ("a", "Unlinks a file", Destructive),
        ("a", "Unlinks two entries", Write),
        ("a", "Uploads a file and replaces the existing one", Destructive),
        ("a", "Uploads a file beside the existing one", Write),
        ("a", "Sets a stop loss", Financial),
        ("a", "Sets a stop sign", Write),
    ]);
}

#[test]
fn ends_that_are_named_as_things() {
    all(&[
        ("a", "Schedules the deletion of a key", Destructive),
        ("a", "Schedules the publication of a post", Write),
        ("a", "Marks an entry for deletion", Destructive),
        ("a", "Marks an entry for later", Write),
        ("a", "Runs a cleanup of old data", Destructive),
        ("a", "Runs a backup of old data", Execute),
        ("a", "Get rid of an entry", Destructive),
        ("a", "Throws away a draft", Destructive),
        ("a", "Get a draft", Read),
        ("a", "Pops a message off the queue", Destructive),
        ("a", "Ends the subscription", Destructive),
        ("a", "Dismiss an employee", Destructive),
        ("a", "Dismiss a hint", Write),
        ("a", "Rebalances the portfolio", Financial),
        ("a", "Rebalances the partitions", Execute),
        ("a", "Adds a seat", Financial),
        ("a", "Adds a chair", Write),
        ("a", "Enter a trade", Financial),
        ("a", "Enter a name", Write),
    ]);
}

#[test]
fn names_of_measures() {
    all(&[
        ("trade_signals", "", Read),
        ("place_trade", "", Financial),
        ("latest_block", "", Read),
        ("user_block", "", Write),
        ("deploy_history", "", Read),
        ("deploy_site", "", Execute),
        ("a", "End of day prices", Read),
        ("a", "End a call", Execute),
        ("exchange_code", "Exchange a code for an access token", Write),
    ]);
}

#[test]
fn what_is_watched_is_not_done() {
    all(&[
        ("watch_launch", "Watches a launch", Read),
        ("deploy_watch", "Deploys a watch", Execute),
        ("a", "Broadcasts an event", Write),
    ]);
    let prompt = json!({"prompt": {"type": "string"}});
    check(&with_schema("a", "Generate a summary of a video", &prompt), Read);
    check(&with_schema("a", "Generate a picture of a summary", &prompt), Execute);
}

#[test]
fn what_was_put_on_something_can_be_put_on_again() {
    all(&[
        ("delete_quiz_tag", "Remove a tag attachment from a quiz", Write),
        ("a", "Remove a file attachment from a quiz", Destructive),
        ("a", "Delete a reaction from a comment", Write),
        ("a", "Delete a tag", Destructive),
        ("a", "Makes a call to a customer", Execute),
        ("a", "Place a phone call", Execute),
        ("a", "Logs a call with a customer", Write),
    ]);
}
