"""How strong a player is: games against others, and what they prove. The rooms know no rules and no network.

openings.py       beginnings of games, drawn at random and all different
matches.py        games of two players, each opening twice with sides changed; who fails forfeits
duels.py          one game at a time: clocks, adjudication
movers.py         searches as players
pairs.py          likelihoods of a mean result, by the five results that two games can have
elo.py            a difference of strength with its interval, and the test that ends a match early
bradley_terry.py  one scale for many players
ladder.py         everybody against everybody, or a newcomer against all, on that scale
"""
