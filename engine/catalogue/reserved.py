"""Words that SQL keeps for itself, in SQLite or in SQL Server.

Names are quoted wherever tillwire uses them. The words are refused all the same: the till
program reads these tables with queries of its own.
"""

_WORDS = """
    add all alter and any as asc authorization autoincrement backup begin between break
    browse bulk by cascade case cast check checkpoint close clustered coalesce collate
    column commit compute constraint contains containstable continue convert create cross
    current current_date current_time current_timestamp current_user cursor database dbcc
    deallocate declare default deferrable delete deny desc disk distinct distributed double
    drop dump else end errlvl escape except exec execute exists exit external fetch file
    fillfactor for foreign freetext freetexttable from full function goto grant group having
    holdlock identity identity_insert identitycol if in index inner insert intersect into is
    isnull join key kill left like limit lineno load merge national nocheck nonclustered not
    nothing notnull null nullif of off offsets on open opendatasource openquery openrowset
    openxml option or order outer over percent pivot plan precision primary print proc
    procedure public raise raiserror read readtext reconfigure references replication
    restore restrict return returning revert revoke right rollback rowcount rowguidcol rule
    save schema securityaudit select semantickeyphrasetable semanticsimilaritydetailstable
    semanticsimilaritytable session_user set setuser shutdown some statistics system_user
    table tablesample textsize then to top tran transaction trigger truncate try_convert
    tsequal union unique unpivot update updatetext use user using values varying view
    waitfor when where while with within writetext
"""

RESERVED = frozenset(_WORDS.split())
