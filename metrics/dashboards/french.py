"""What the dashboards say in French, by what they say in English."""

from collections.abc import Mapping

FRENCH: Mapping[str, str] = {
    # Around the panels.
    "fleet": "parc",
    "till": "caisse",
    "All tills: in which states they are, which of them need somebody first, and what has "
    "happened. Made from the machine's file; a change made here is lost with the next one.": (
        "Toutes les caisses : leurs états, celles dont il faut s'occuper d'abord, et ce qui s'est "
        "passé. Fait à partir du fichier de la machine ; un changement fait ici se perd au suivant."
    ),
    "One till: the state of its link, why it changed, its tickets, what it asks of the server, "
    "and its process. Made from the machine's file; a change made here is lost with the next "
    "one.": (
        "Une caisse : l'état de sa liaison, pourquoi il a changé, ses tickets, ce qu'elle demande "
        "au serveur, et son processus. Fait à partir du fichier de la machine ; un changement fait "
        "ici se perd au suivant."
    ),
    "All tills": "Toutes les caisses",
    "One till": "Une caisse",
    "This till": "Cette caisse",
    "The till's own page": "La page de la caisse",
    "Its tills": "Ses caisses",
    "Its own page": "Sa page",
    "All": "Tous",
    "none": "aucun",
    "Data source": "Source de données",
    "Job": "Job",
    "Shop": "Magasin",
    "Instance": "Instance",
    "Till": "Caisse",
    "Agent": "Agent",
    "Files taken in": "Fichiers pris en compte",
    "Held offline by hand": "Mise hors ligne manuelle",
    "Released": "Remise en ligne",
    # The fleet now.
    "Now": "Maintenant",
    "Tills": "Caisses",
    "Tills that Prometheus hears of.": "Les caisses dont Prometheus a des nouvelles.",
    "Offline": "Hors ligne",
    "Tills for which the central server counts as not there, held ones included.": (
        "Les caisses pour lesquelles le serveur central est absent, y compris celles mises hors "
        "ligne à la main."
    ),
    "Agents that do not answer": "Agents qui ne répondent pas",
    "Agents that Prometheus could not read: stopped, or behind a line that is cut. Nothing else "
    "on this page counts their tills.": (
        "Les agents que Prometheus n'a pas pu lire : arrêtés, ou derrière une ligne coupée. Rien "
        "d'autre sur cette page ne compte leurs caisses."
    ),
    "Tickets waiting": "Tickets en attente",
    "Tickets that the server has not yet.": "Les tickets que le serveur n'a pas encore.",
    "Oldest waiting ticket": "Plus ancien ticket en attente",
    "How long the ticket that waits longest has been waiting.": (
        "Depuis combien de temps attend le ticket qui attend le plus."
    ),
    "none waits": "aucun n'attend",
    "Refused tickets": "Tickets refusés",
    "Tickets that the server has refused in the time shown. They are set aside; somebody has to "
    "look at each.": (
        "Les tickets que le serveur a refusés dans le temps affiché. Ils sont mis de côté ; "
        "quelqu'un doit regarder chacun d'eux."
    ),
    "Tills by state": "Caisses par état",
    "How many tills are in each state now.": "Combien de caisses sont maintenant dans chaque état.",
    "Tills by state over time": "Caisses par état dans le temps",
    "How many tills were in each state. A gap below the usual height: tills that Prometheus could "
    "not read.": (
        "Combien de caisses étaient dans chaque état. Un creux : des caisses que Prometheus n'a "
        "pas pu lire."
    ),
    # The worst of the fleet.
    "Worst first: tills": "Les pires d'abord : caisses",
    "Worst first: agents": "Les pires d'abord : agents",
    "Offline longest": "Hors ligne depuis le plus longtemps",
    "Tills that are offline, and for how long, as far as the time shown goes back.": (
        "Les caisses hors ligne, et depuis combien de temps, dans la limite du temps affiché."
    ),
    "Offline for": "Hors ligne depuis",
    "Oldest unsent ticket": "Plus ancien ticket non envoyé",
    "How long the oldest ticket that the server has not yet has been waiting.": (
        "Depuis combien de temps attend le plus ancien ticket que le serveur n'a pas encore."
    ),
    "Waiting for": "Attend depuis",
    "Most tickets waiting": "Le plus de tickets en attente",
    "Tills with the most tickets that the server has not yet.": (
        "Les caisses qui ont le plus de tickets que le serveur n'a pas encore."
    ),
    "Tickets": "Tickets",
    "Tickets refused by the server": "Tickets refusés par le serveur",
    "Tills of which the server has refused tickets in the time shown; the till's page and its log "
    "say why.": (
        "Les caisses dont le serveur a refusé des tickets dans le temps affiché ; la page de la "
        "caisse et son journal disent pourquoi."
    ),
    "Oldest catalogue": "Catalogue le plus ancien",
    "Agents by the age of what was loaded last of each dataset.": (
        "Les agents selon l'âge du dernier chargement de chaque jeu de données."
    ),
    "Dataset": "Jeu de données",
    "Age": "Âge",
    "Clocks that are off": "Horloges qui dérivent",
    "By how much the clock of an agent's machine differs from Prometheus's.": (
        "L'écart entre l'horloge de la machine d'un agent et celle de Prometheus."
    ),
    "Off by": "Écart",
    "Agents that Prometheus could not read when it last tried.": (
        "Les agents que Prometheus n'a pas pu lire à son dernier essai."
    ),
    "Another configuration than most": "Autre configuration que la plupart",
    "Agents that run another machine file, or other parameters, than most do, and for how long "
    "they have run it.": (
        "Les agents qui ont un autre fichier de machine, ou d'autres paramètres, que la plupart, "
        "et depuis combien de temps."
    ),
    "Configuration": "Configuration",
    "In force for": "En vigueur depuis",
    "Another version than most": "Autre version que la plupart",
    "Agents that run another version of tillwire than most do.": (
        "Les agents qui ont une autre version de tillwire que la plupart."
    ),
    "Version": "Version",
    "Python": "Python",
    "Offline most often": "Hors ligne le plus souvent",
    "How often tills came into a state in which the server counts as not there, in the time "
    "shown.": (
        "Combien de fois des caisses sont entrées dans un état où le serveur est absent, dans le "
        "temps affiché."
    ),
    "Ticket numbers that never came": "Numéros de ticket jamais reçus",
    "Tills with gaps in the numbers of their tickets; `tillwire proof` names them.": (
        "Les caisses dont la numérotation des tickets a des trous ; `tillwire proof` les nomme."
    ),
    "Numbers": "Numéros",
    "Agents with a fault": "Agents avec un défaut",
    "Agents whose database does not take what is written, whose journal was changed by another "
    "hand, that refused the files that were saved last, or that cannot read the till program's "
    "table. The page says what is wrong.": (
        "Les agents dont la base ne prend pas ce qui est écrit, dont le journal a été modifié par "
        "une autre main, qui ont refusé les derniers fichiers enregistrés, ou qui ne peuvent pas "
        "lire la table du logiciel de caisse. Leur page dit ce qui ne va pas."
    ),
    "Fault": "Défaut",
    "not ready": "pas prêt",
    "journal broken": "journal rompu",
    "files refused": "fichiers refusés",
    "table not readable": "table illisible",
    "Least room": "Le moins de place",
    "Agents with the least room on their disk.": (
        "Les agents qui ont le moins de place sur leur disque."
    ),
    "Free": "Libre",
    "Server silent longest": "Serveur muet depuis le plus longtemps",
    "How long ago the server last took or refused a call of the agent.": (
        "Depuis combien de temps le serveur n'a ni pris ni refusé un appel de l'agent."
    ),
    "Silent for": "Muet depuis",
    "Held up most": "Les plus retenus",
    "By how much an agent was late at worst in the last minute: its machine is too slow, or "
    "something holds it up.": (
        "Le plus grand retard d'un agent dans la dernière minute : sa machine est trop lente, ou "
        "quelque chose le retient."
    ),
    "Late by": "Retard",
    # What has happened in the fleet.
    "What has happened": "Ce qui s'est passé",
    "Transitions per minute by cause": "Transitions par minute et par cause",
    "Changes of state of all tills, by the event that caused them.": (
        "Les changements d'état de toutes les caisses, selon l'événement qui les a causés."
    ),
    "Links lost per minute by cause": "Liaisons perdues par minute et par cause",
    "How often tills came into a state in which the server counts as not there.": (
        "Combien de fois des caisses sont entrées dans un état où le serveur est absent."
    ),
    "Tickets waiting over time": "Tickets en attente dans le temps",
    "The backlog of all tills.": "Ce que toutes les caisses ont encore à envoyer.",
    "Tickets per minute": "Tickets par minute",
    "What the server has acknowledged, and what it has refused.": (
        "Ce que le serveur a acquitté, et ce qu'il a refusé."
    ),
    "Acknowledged": "Acquittés",
    "Refused": "Refusés",
    "Loads of the catalogue": "Chargements du catalogue",
    "Loads that are under way, and those that ended, by what came of them.": (
        "Les chargements en cours, et ceux qui sont finis, selon leur issue."
    ),
    "Under way": "En cours",
    "The server, as the tills see it": "Le serveur, vu par les caisses",
    "Time that pings take": "Durée des pings",
    "How many pings of all tills took how long, failed ones included.": (
        "Combien de pings de toutes les caisses ont pris combien de temps, échecs compris."
    ),
    "Calls per minute": "Appels par minute",
    "What all tills ask of the server.": "Ce que toutes les caisses demandent au serveur.",
    "Failed calls per minute": "Appels échoués par minute",
    "Calls that brought nothing, by the reason. A refusal is none.": (
        "Les appels qui n'ont rien donné, par raison. Un refus n'en est pas un."
    ),
    "Updates": "Mises à jour",
    "Versions": "Versions",
    "How many agents run which version.": "Combien d'agents ont quelle version.",
    "Configurations": "Configurations",
    "How many agents run which machine file with which parameters.": (
        "Combien d'agents ont quel fichier de machine avec quels paramètres."
    ),
    # The link of one till.
    "The link": "La liaison",
    "State": "État",
    "The state that the till is in now.": "L'état dans lequel la caisse est maintenant.",
    "In this state for": "Dans cet état depuis",
    "How long it has been in this state; or for how long it has been offline, as far as the time "
    "shown goes back.": (
        "Depuis combien de temps elle est dans cet état ; ou depuis combien de temps elle est hors "
        "ligne, dans la limite du temps affiché."
    ),
    "Clock off by": "Écart d'horloge",
    "By how much the clock of the till's machine differs from Prometheus's.": (
        "L'écart entre l'horloge de la machine de la caisse et celle de Prometheus."
    ),
    "Files": "Fichiers",
    "Whether the files that were saved last are in force, or were refused.": (
        "Si les derniers fichiers enregistrés sont en vigueur, ou ont été refusés."
    ),
    "in force": "en vigueur",
    "refused": "refusés",
    "Server last heard of": "Dernier signe du serveur",
    "How long ago the server last took or refused a call.": (
        "Depuis combien de temps le serveur n'a ni pris ni refusé un appel."
    ),
    "Numbers that never came": "Numéros jamais reçus",
    "Ticket numbers between the lowest and the highest that the till program never handed over.": (
        "Les numéros de ticket, entre le plus petit et le plus grand, que le logiciel de caisse "
        "n'a jamais remis."
    ),
    "Whether the machines run and the database takes what is written.": (
        "Si les machines tournent et si la base prend ce qui est écrit."
    ),
    "ready": "prêt",
    "Journal": "Journal",
    "Whether an entry of the journal of transfers was changed by another hand, as far as it was "
    "read.": (
        "Si une entrée du journal des transferts a été modifiée par une autre main, là où il a été "
        "lu."
    ),
    "whole": "entier",
    "broken": "rompu",
    "States": "États",
    "In which state the till was when. A gap: Prometheus could not read it.": (
        "Dans quel état la caisse était à quel moment. Un trou : Prometheus n'a pas pu la lire."
    ),
    # What one till did.
    "What it did, and why": "Ce qu'elle a fait, et pourquoi",
    "Transitions by cause": "Transitions par cause",
    "Changes of state per minute: where to, and by which event.": (
        "Les changements d'état par minute : vers où, et par quel événement."
    ),
    "Transitions in the time shown": "Transitions dans le temps affiché",
    "How often the till came to which state, and why.": (
        "Combien de fois la caisse est entrée dans quel état, et pourquoi."
    ),
    "To": "Vers",
    "Cause": "Cause",
    "Times": "Fois",
    "Refused by a guard": "Refusé par une garde",
    "How often a guard kept the till where it was, by the state that has the guard. Its page and "
    "`tillwire trace` tell which.": (
        "Combien de fois une garde a retenu la caisse, selon l'état qui a la garde. Sa page et "
        "`tillwire trace` disent laquelle."
    ),
    "Event": "Événement",
    "Events that nothing waited for": "Événements que rien n'attendait",
    "Events that no active state asked for: known to the machine, or not (other).": (
        "Les événements qu'aucun état actif ne demandait : connus de la machine (known) ou non "
        "(other)."
    ),
    # What one till asks of the server.
    "Where one agent looks after several tills, this is about all of them.": (
        "Là où un agent s'occupe de plusieurs caisses, il s'agit de toutes."
    ),
    "Pings and calls": "Pings et appels",
    "How slow the server is.": "La lenteur du serveur.",
    "half of them": "la moitié",
    "95 of 100": "95 sur 100",
    "Pings per minute": "Pings par minute",
    "By what came of them.": "Selon leur issue.",
    "Mean time of calls": "Durée moyenne des appels",
    "How long a call takes on the average, by what is called.": (
        "Combien de temps prend un appel en moyenne, selon ce qui est appelé."
    ),
    "Age of the oldest waiting ticket": "Âge du plus ancien ticket en attente",
    "How long the ticket that waits longest has been waiting; nothing where none waits.": (
        "Depuis combien de temps attend le ticket qui attend le plus ; rien si aucun n'attend."
    ),
    "Batches per minute": "Lots par minute",
    "Tickets in a batch": "Tickets par lot",
    "On the average.": "En moyenne.",
    "Time that batches take": "Durée des lots",
    "Time": "Durée",
    # Messages, offers, loads.
    "Messages and offers": "Messages et offres",
    "Messages unread": "Messages non lus",
    "Messages on the till that nobody has read.": "Les messages que personne n'a lus à la caisse.",
    "Unread": "Non lus",
    "Calls for messages per minute": "Appels de messages par minute",
    "New messages": "Nouveaux messages",
    "Answers about offers per minute": "Réponses sur les offres par minute",
    "Fresh from the server, cached from before, or none.": (
        "Venues du serveur (fresh), gardées d'avant (cached), ou aucune (none)."
    ),
    "Hit rate of the cache of offers": "Taux de succès du cache des offres",
    "How many of the answers the server gave; and of those that it did not give, how many the "
    "till had from before.": (
        "La part des réponses que le serveur a données ; et de celles qu'il n'a pas données, la "
        "part que la caisse avait gardée."
    ),
    "From the server": "Venues du serveur",
    "Hits, where the server gave none": "Succès, là où le serveur n'a rien donné",
    "Loads": "Chargements",
    "Those under way, and those that ended.": "Ceux qui sont en cours, et ceux qui sont finis.",
    "Time that loads take": "Durée des chargements",
    "On the average, in the time shown.": "En moyenne, dans le temps affiché.",
    "Rows loaded per minute": "Lignes chargées par minute",
    "Rows, or changes.": "Des lignes, ou des modifications.",
    "Bytes loaded per second": "Octets chargés par seconde",
    "Files that came whole.": "Les fichiers arrivés entiers.",
    "Age of the catalogue": "Âge du catalogue",
    "When each dataset was loaded last.": (
        "Depuis combien de temps chaque jeu de données est chargé."
    ),
    "Versions of the catalogue": "Versions du catalogue",
    "Which version the till reads.": "La version que la caisse lit.",
    "Rows of the catalogue": "Lignes du catalogue",
    "How many rows the till reads.": "Combien de lignes la caisse lit.",
    "Rows": "Lignes",
    "Bytes": "Octets",
    # The process of one till.
    "Files and process": "Fichiers et processus",
    "What runs.": "Ce qui tourne.",
    "The machine that runs, with its parameters.": "La machine qui tourne, avec ses paramètres.",
    "Files in force for": "Fichiers en vigueur depuis",
    "Since when the files that run are in force.": (
        "Depuis combien de temps les fichiers en cours sont en vigueur."
    ),
    "Windows does not tell it.": "Windows ne le dit pas.",
    "Memory": "Mémoire",
    "What the process holds.": "Ce que le processus occupe.",
    "Processor": "Processeur",
    "1 is one core, used whole.": "100 % : un cœur entièrement occupé.",
    "Open files": "Fichiers ouverts",
    "Files and connections of the process.": "Les fichiers et les connexions du processus.",
    "Held up": "Retard",
    "By how much the agent was late at worst in a minute: its machine is too slow, or something "
    "holds it up.": (
        "Le plus grand retard de l'agent en une minute : sa machine est trop lente, ou quelque "
        "chose le retient."
    ),
    "Room on the disk": "Place sur le disque",
    "Where the tickets are kept.": "Là où les tickets sont gardés.",
    "Faults": "Défauts",
    "Calls that hang and were given up, events that the machine could not play, metrics that could "
    "not be counted, and trouble with the till program's table.": (
        "Les appels bloqués et abandonnés, les événements que la machine n'a pas pu jouer, les "
        "métriques non comptées, et les ennuis avec la table du logiciel de caisse."
    ),
    "Calls given up": "Appels abandonnés",
    "Events not played": "Événements non joués",
    "Metrics not counted": "Métriques non comptées",
    "Tickets left alone in the table": "Tickets laissés dans la table",
    "Table not readable": "Table illisible",
}
