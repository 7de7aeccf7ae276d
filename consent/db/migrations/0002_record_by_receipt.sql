-- The choices of one receipt, newest at its end: what a later choice is called depends on the one before it, and whoever
-- shows a receipt is shown its records. Without it, taking a receipt away would read every record of its site.
create index consent_record_receipt on consent_record (site_id, receipt, id);
